import { createServer, type Http2SecureServer, type Http2Server, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import {
  Code,
  ConnectError,
  type ConnectRouter,
  createRouterTransport,
  type ServiceImpl,
  type Transport,
} from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { systemRuntime, Wakeup } from "@loom-bridge/protocol";
import {
  AckSchema,
  ActionService,
  AgentService,
  BridgeService,
  type ClientEvent,
  type Delivery,
  DeliverySchema,
  type Event,
  EventSchema,
  Feature,
  MemoryService,
  ReceiptBatchSchema,
  type RoutedEvent,
  RoutedEventSchema,
} from "@loom-bridge/protocol/messages";
import { Envelope } from "./events/envelope.ts";
import type { EventInit } from "./events/event-init.ts";

type Frame<Case> = Extract<ClientEvent["event"], { case: Case }>;
type Kind = NonNullable<ClientEvent["event"]["case"]>;
type DeliveryInit = NonNullable<MessageInitShape<typeof DeliverySchema>["delivery"]>;

/** The bridge's end of one stream, moved by a test. */
export class ScriptedStream {
  readonly received: ClientEvent[] = [];
  /** Set when the client has ended its half, or the call. */
  halfClosed = false;
  /** What `sendEvent` sent last. */
  lastBatch: { subscription: number; firstSequence: bigint; events: RoutedEvent[] } | undefined;
  readonly signal: AbortSignal;
  readonly headers: Headers;
  #outbound: Delivery[] = [];
  #end: { error: ConnectError | undefined } | undefined;
  readonly #wakeup = new Wakeup();
  #watchers = new Set<() => void>();
  #taken = 0;
  #sequences = new Map<number, bigint>();

  constructor(signal: AbortSignal, headers: Headers) {
    this.signal = signal;
    this.headers = headers;
  }

  /** The next frame of a kind that was not returned before; frames of other kinds are passed over. */
  async receive<Case extends Kind>(kind: Case): Promise<Frame<Case>["value"]> {
    for (;;) {
      while (this.#taken < this.received.length) {
        const { event } = this.received[this.#taken++] as ClientEvent;
        if (event.case === kind) return event.value as Frame<Case>["value"];
      }
      if (this.halfClosed) throw new Error(`the client ended its half before it sent ${kind}`);
      await new Promise<void>((resolve) => this.#watchers.add(resolve));
    }
  }

  count(kind: Kind): number {
    return this.received.filter(({ event }) => event.case === kind).length;
  }

  send(delivery: DeliveryInit): void {
    this.#outbound.push(create(DeliverySchema, { delivery }));
    this.#wakeup.wake();
  }

  ack(init: MessageInitShape<typeof AckSchema> = {}): void {
    const value = create(AckSchema, {
      success: true,
      sessionId: "session-1",
      epoch: 1n,
      heartbeatIntervalMs: 30_000,
      features: [Feature.BATCHES, Feature.NOTICES],
      publishWindow: 1024,
      maxMessageBytes: 4_194_304,
      ...init,
    });
    this.send({ case: "ack", value });
  }

  sendEvent(
    subscription: number,
    topic: string,
    init: EventInit,
    sender = "someone",
    routed: MessageInitShape<typeof RoutedEventSchema> = {},
  ): void {
    const firstSequence = (this.#sequences.get(subscription) ?? 0n) + 1n;
    this.#sequences.set(subscription, firstSequence);
    const event = toBinary(EventSchema, Envelope.create(init, systemRuntime).toProto());
    const events = [create(RoutedEventSchema, { topic, event, sender, ...routed })];
    this.lastBatch = { subscription, firstSequence, events };
    this.send({ case: "eventBatch", value: this.lastBatch });
  }

  receipt(ref: bigint, count: number, matched = 1, queued: number = matched, dropped = 0): void {
    this.send({
      case: "receiptBatch",
      value: create(ReceiptBatchSchema, { receipts: [{ ref, count, matched, queued, dropped }] }),
    });
  }

  end(error?: ConnectError): void {
    this.#end ??= { error };
    this.#wakeup.wake();
  }

  /** Events that were published so far. */
  published(): { topic: string; event: Event }[] {
    return this.received.flatMap(({ event }) =>
      event.case === "publishBatch"
        ? event.value.items.map((item) => ({ topic: item.topic, event: fromBinary(EventSchema, item.event) }))
        : [],
    );
  }

  /** @internal */
  async *run(requests: AsyncIterable<ClientEvent>): AsyncGenerator<Delivery> {
    const reading = (async () => {
      for await (const request of requests) {
        this.received.push(request);
        this.#notify();
      }
    })()
      .catch(() => {})
      .finally(() => this.#gone());
    this.signal.addEventListener("abort", () => this.#gone());
    for (;;) {
      yield* this.#outbound.splice(0);
      if (this.#end !== undefined) break;
      await this.#wakeup.wait();
    }
    void reading;
    if (this.#end.error !== undefined) throw this.#end.error;
  }

  #gone(): void {
    this.halfClosed = true;
    this.#notify();
    this.end();
  }

  #notify(): void {
    for (const watcher of this.#watchers) watcher();
    this.#watchers.clear();
  }
}

export interface ScriptedBridgeOptions {
  bridge?: Partial<ServiceImpl<typeof BridgeService>>;
  action?: Partial<ServiceImpl<typeof ActionService>>;
  agents?: Partial<ServiceImpl<typeof AgentService>>;
  memory?: Partial<ServiceImpl<typeof MemoryService>>;
}

/** A bridge that does what a test says. */
export class ScriptedBridge {
  readonly #options: ScriptedBridgeOptions;
  readonly #streams: ScriptedStream[] = [];
  #accepting: ((stream: ScriptedStream) => void)[] = [];

  constructor(options: ScriptedBridgeOptions = {}) {
    this.#options = options;
  }

  /** The next stream that a client opens. */
  accept(): Promise<ScriptedStream> {
    const stream = this.#streams.shift();
    if (stream !== undefined) return Promise.resolve(stream);
    return new Promise((resolve) => this.#accepting.push(resolve));
  }

  /** The next stream, registered and acknowledged. */
  async acceptAgent(ack: MessageInitShape<typeof AckSchema> = {}): Promise<ScriptedStream> {
    const stream = await this.accept();
    await stream.receive("register");
    stream.ack(ack);
    return stream;
  }

  transport(): Transport {
    return createRouterTransport((router) => this.#routes(router));
  }

  async listen(
    server: Http2Server | Http2SecureServer = createServer(),
  ): Promise<{ address: string; sessions: Set<ServerHttp2Session>; close(): Promise<void> }> {
    const sessions = new Set<ServerHttp2Session>();
    server.on("session", (session) => {
      sessions.add(session);
      session.on("close", () => sessions.delete(session));
    });
    server.on("request", connectNodeAdapter({ routes: (router) => this.#routes(router) }));
    await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
    return {
      address: `localhost:${(server.address() as AddressInfo).port}`,
      sessions,
      close: async () => {
        for (const session of sessions) session.destroy();
        await new Promise((resolve) => server.close(resolve));
      },
    };
  }

  #routes(router: ConnectRouter): void {
    router.service(BridgeService, {
      getInfo: () => ({ name: "loom-bridge", version: "scripted" }),
      stream: (requests, context) => {
        const stream = new ScriptedStream(context.signal, context.requestHeader);
        const accept = this.#accepting.shift();
        if (accept === undefined) this.#streams.push(stream);
        else accept(stream);
        return stream.run(requests);
      },
      ...this.#options.bridge,
    });
    router.service(ActionService, this.#options.action ?? {});
    router.service(AgentService, this.#options.agents ?? {});
    router.service(MemoryService, this.#options.memory ?? {});
  }
}

export function wireError(code: Code, message: string): ConnectError {
  return new ConnectError(message, code);
}
