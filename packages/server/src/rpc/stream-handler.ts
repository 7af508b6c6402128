import { create } from "@bufbuild/protobuf";
import type { HandlerContext } from "@connectrpc/connect";
import { LoomError, limits, type Runtime } from "@loom-bridge/protocol";
import { type ClientEvent, type Delivery, DeliverySchema, type Register } from "@loom-bridge/protocol/messages";
import type { Logger } from "../domain/logger.ts";
import type { Session } from "../domain/session/session.ts";
import type { SessionRegistry } from "../domain/session/session-registry.ts";
import type { SessionSettings } from "../domain/session/session-settings.ts";
import { handleClientEvent } from "./client-event-handler.ts";
import { abortReason, toConnectError } from "./connect-error.ts";
import { type Features, fromControlFrame, fromSessionEvents, knownFeatures } from "./delivery-mapping.ts";
import { toSubscriptionRequest } from "./event-mapping.ts";
import { toToolDescriptor } from "./tool-mapping.ts";

export interface StreamHandlerOptions {
  readonly sessions: SessionRegistry;
  readonly settings: SessionSettings;
  readonly runtime: Runtime;
  readonly logger: Logger;
  /** How long a stream may be open without a Register, in milliseconds. */
  readonly registerTimeoutMs: number;
}

/** Serves `BridgeService.Stream`: two loops, one that reads for the session and one that writes what it has to say. */
export function createStreamHandler(options: StreamHandlerOptions) {
  return (requests: AsyncIterable<ClientEvent>, context: HandlerContext): AsyncIterable<Delivery> => ({
    [Symbol.asyncIterator]: () => new DeliveryStream(requests[Symbol.asyncIterator](), context, options),
  });
}

/** An iterator and no generator: a generator's promises per message are what a busy stream would spend its time on. */
class DeliveryStream implements AsyncIterator<Delivery> {
  readonly #requests: AsyncIterator<ClientEvent>;
  readonly #context: HandlerContext;
  readonly #options: StreamHandlerOptions;
  #session: Session | undefined;
  #features: Features = new Set();
  #ready: Delivery[] = [];
  #next = 0;

  constructor(requests: AsyncIterator<ClientEvent>, context: HandlerContext, options: StreamHandlerOptions) {
    this.#requests = requests;
    this.#context = context;
    this.#options = options;
  }

  async next(): Promise<IteratorResult<Delivery, undefined>> {
    try {
      if (this.#session === undefined) {
        const { session, ack } = await this.#open();
        this.#session = session;
        void this.#read(session);
        return { done: false, value: ack };
      }
      return await this.#following(this.#session);
    } catch (error) {
      this.#session?.end(undefined);
      throw this.#context.signal.aborted
        ? abortReason(this.#context.signal)
        : toConnectError(error, this.#options.logger);
    }
  }

  /** The wire is gone, or Connect wants no more. */
  async return(): Promise<IteratorResult<Delivery, undefined>> {
    this.#session?.end(undefined);
    return { done: true, value: undefined };
  }

  async #following(session: Session): Promise<IteratorResult<Delivery, undefined>> {
    for (;;) {
      const delivery = this.#ready[this.#next];
      if (delivery !== undefined) {
        this.#next += 1;
        return { done: false, value: delivery };
      }
      this.#next = 0;
      this.#ready = this.#gather(session);
      if (this.#ready.length > 0) continue;
      if (session.ended?.error !== undefined) throw session.ended.error;
      if (session.ended !== undefined) return { done: true, value: undefined };
      await session.ready();
    }
  }

  #gather(session: Session): Delivery[] {
    const nowMs = this.#options.runtime.now();
    const deliveries: Delivery[] = [];
    for (const frame of session.takeControl()) {
      const delivery = fromControlFrame(frame, this.#features, nowMs);
      if (delivery !== undefined) deliveries.push(delivery);
    }
    for (const taken of session.takeEvents()) deliveries.push(...fromSessionEvents(taken, this.#features));
    return deliveries;
  }

  /** Reads until the session or the request ends. Never rejects: what goes wrong ends the session. */
  async #read(session: Session): Promise<void> {
    const { logger } = this.#options;
    const onAbort = (): void => session.end(asLoomError(abortReason(this.#context.signal)));
    this.#context.signal.addEventListener("abort", onAbort);
    try {
      while (session.ended === undefined) {
        const { done, value } = await this.#requests.next();
        if (done) {
          await session.finish();
          break;
        }
        handleClientEvent(session, value, logger);
        await session.readyForMore();
      }
    } catch (error) {
      if (!LoomError.isInstance(error)) logger.debug("a stream broke", { agentId: session.agentId, error });
      session.end(asLoomError(error));
    } finally {
      this.#context.signal.removeEventListener("abort", onAbort);
    }
  }

  async #open(): Promise<{ session: Session; ack: Delivery }> {
    const { sessions, settings } = this.#options;
    const register = await this.#readRegister();
    const session = sessions.open({
      agentId: register.agentId,
      topics: register.topics,
      subscriptions: register.subscriptions.map(toSubscriptionRequest),
      tools: register.tools.map(toToolDescriptor),
      metadata: register.metadata,
    });
    this.#features = new Set(knownFeatures.filter((feature) => register.features.includes(feature)));
    const ack = create(DeliverySchema, {
      delivery: {
        case: "ack",
        value: {
          success: true,
          sessionId: session.sessionId,
          epoch: BigInt(session.epoch),
          heartbeatIntervalMs: settings.heartbeatIntervalMs,
          features: [...this.#features],
          publishWindow: settings.publishWindow,
          maxOpenCalls: settings.maxOpenCalls,
          maxMessageBytes: limits.messageBytes,
        },
      },
    });
    return { session, ack };
  }

  async #readRegister(): Promise<Register> {
    const { runtime, registerTimeoutMs } = this.#options;
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = runtime.setTimer(() => {
      reject(new LoomError("deadline_exceeded", `no Register within ${registerTimeoutMs} ms; send it first`));
    }, registerTimeoutMs);
    try {
      const { done, value } = await Promise.race([this.#requests.next(), late]);
      if (done) throw new LoomError("invalid_argument", "the stream ended before Register; send it first");
      if (value.event.case === "register") return value.event.value;
      const kind = value.event.case ?? "a message of an unknown kind";
      throw new LoomError("invalid_argument", `the first message is ${kind}; send Register first`);
    } finally {
      timer.cancel();
    }
  }
}

/** A stream that broke is a lost connection: whatever it was, the agent may come back. */
function asLoomError(error: unknown): LoomError {
  return LoomError.isInstance(error) ? error : new LoomError("unavailable", "the stream broke");
}
