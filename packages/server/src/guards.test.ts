import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { type TestContext, test } from "node:test";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import {
  BridgeService,
  type ClientEventSchema,
  type Delivery,
  ErrorInfoSchema,
  Feature,
} from "@loom-bridge/protocol/messages";
import { createBridge } from "./bridge.ts";
import { listen } from "./listener/listen.ts";
import { createManualTimers, createTestLogger, until } from "./listener/listener.test-helper.ts";
import type { ListenerLimits } from "./listener/listener-limits.ts";
import { createOverload } from "./overload.ts";
import { toConnectError } from "./rpc/connect-error.ts";

type Said = MessageInitShape<typeof ClientEventSchema>;

/** A bridge behind sockets, whose time and memory are what a test says. */
async function startBridge(t: TestContext, limits: Partial<ListenerLimits> = {}) {
  const time = createManualTimers();
  const { runtime } = time;
  const { logger } = createTestLogger();
  const bridge = createBridge({ runtime, logger });
  const { breaches } = bridge;
  const state = { memory: 0.1 };
  const overload = createOverload({
    limits: { memoryBytes: 0, maxLoopDelayMs: 200 },
    ...{ runtime, logger, breaches },
    shed: () => bridge.shed(),
    measureMemory: () => state.memory,
  });
  const listener = await listen({
    address: "127.0.0.1:0",
    ...{ limits, runtime, logger, breaches },
    load: overload,
    toConnectError: (error) => toConnectError(error, logger),
    routes: (router) => bridge.routes(router),
    streams: bridge.streams,
    admit: (presented) => bridge.admit(presented),
    interceptors: [...bridge.interceptors],
  });
  t.after(async () => {
    overload.close();
    await listener.close({ graceMs: 0 });
    await bridge.close();
  });
  const { url, port } = listener;
  return { ...time, listener, port, state, breaches, url, grpc: createGrpcTransport({ baseUrl: url }) };
}

interface Stream {
  say(event: NonNullable<Said["event"]>): void;
  readonly heard: Delivery["delivery"][];
  /** Resolves when the stream is over, with the error that ended it. */
  readonly over: Promise<ConnectError>;
}

/** An agent that is registered, and keeps what it hears. */
async function join(t: TestContext, transport: Transport, agentId: string, topics: string[] = []): Promise<Stream> {
  const queue: Said[] = [];
  let wake = (): void => {};
  const abort = new AbortController();
  t.after(() => abort.abort());
  async function* says(): AsyncGenerator<Said> {
    for (;;) {
      const next = queue.shift();
      if (next !== undefined) yield next;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  }
  const heard: Delivery["delivery"][] = [];
  const say: Stream["say"] = (event) => {
    queue.push({ event });
    wake();
  };
  say({ case: "register", value: { agentId, topics, features: [Feature.BATCHES] } });
  const deliveries = createClient(BridgeService, transport).stream(says(), { signal: abort.signal });
  const over = (async () => {
    try {
      for await (const { delivery } of deliveries) heard.push(delivery);
    } catch (error) {
      return ConnectError.from(error);
    }
    return new ConnectError("it ended well", Code.Unknown);
  })();
  await until(() => heard.length > 0);
  return { say, heard, over };
}

/** The code, and the limit that was met. */
async function refusalOf(attempt: Promise<unknown>): Promise<string> {
  const error = await attempt.then(() => undefined, ConnectError.from);
  return error === undefined
    ? "let in"
    : `${Code[error.code]} ${error.findDetails(ErrorInfoSchema)[0]?.details["limit"]}`;
}

// Two seconds' worth may come at once, the Register among them. Our own path hands on what it has before it waits.
for (const [wire, create, atOnce] of [
  ["gRPC", createGrpcTransport, 20],
  ["Connect", createConnectTransport, 19],
] as const) {
  test(`a stream over ${wire} is read as fast as its rate, and nobody else waits`, async (t) => {
    const { url, grpc, advance, breaches } = await startBridge(t, { streamMessagesPerSec: 10 });
    const fast = await join(t, create({ baseUrl: url, httpVersion: "2" }), "fast");
    const { getInfo } = createClient(BridgeService, grpc);
    const published = (): number =>
      fast.heard.reduce(
        (sum, { case: kind, value }) =>
          sum + (kind === "receiptBatch" ? value.receipts.reduce((n, { count }) => n + count, 0) : 0),
        0,
      );
    for (let n = 1; n <= 60; n += 1) fast.say({ case: "publish", value: { topic: "a", ref: BigInt(n), event: {} } });
    await until(() => published() === atOnce);
    for (let calls = 0; calls < 20; calls += 1) await getInfo({});
    assert.equal(published(), atOnce);
    for (let more = 1; atOnce + more <= 60; more += 1) {
      await getInfo({});
      assert.equal(published(), atOnce + more - 1);
      advance(100);
      await until(() => published() === atOnce + more);
    }
    assert.ok((breaches.counts().get("streamMessagesPerSec") ?? 0) > 0);
  });
}

test("as memory fills up, calls are refused on a socket, then the longest queue goes, then connections; and all is well again", async (t) => {
  const { url, port, grpc, advance, state, breaches, listener } = await startBridge(t);
  const steady = await join(t, grpc, "steady");
  const lazy = await join(t, createGrpcTransport({ baseUrl: url }), "lazy");
  // It may take one event ahead, so the others wait in its queue.
  lazy.say({ case: "subscribe", value: { subscription: { id: 1, filters: ["a"], window: 1 } } });
  await until(() => lazy.heard.some(({ case: kind }) => kind === "subscriptionAck"));
  const { getInfo, publish } = createClient(BridgeService, grpc);
  for (let n = 0; n < 4; n += 1) await publish({ topic: "a", event: { payload: new Uint8Array(50_000) } });

  state.memory = 0.7;
  advance(100);
  assert.equal(await refusalOf(getInfo({})), "Unavailable memoryBytes");
  const stream = createClient(BridgeService, grpc)
    .subscribe({ filters: ["b"] })
    [Symbol.asyncIterator]();
  assert.equal(await refusalOf(stream.next()), "Unavailable memoryBytes");
  steady.say({ case: "publish", value: { topic: "b", ref: 1n, event: {} } });
  await until(() => steady.heard.some(({ case: kind }) => kind === "receiptBatch"));

  state.memory = 0.85;
  advance(100);
  const end = await lazy.over;
  assert.equal(
    `${Code[end.code]} ${end.findDetails(ErrorInfoSchema)[0]?.details["limit"]}`,
    "ResourceExhausted memoryBytes",
  );

  state.memory = 0.95;
  advance(100);
  const before = listener.connections;
  const socket = connect({ port, host: "127.0.0.1" });
  socket.on("error", () => {});
  await once(socket, "close");
  assert.equal(listener.connections, before);
  steady.say({ case: "publish", value: { topic: "b", ref: 2n, event: {} } });
  await until(() => steady.heard.filter(({ case: kind }) => kind === "receiptBatch").length === 2);

  state.memory = 0.5;
  advance(100);
  assert.equal(await refusalOf(getInfo({})), "let in");
  await createClient(BridgeService, createGrpcTransport({ baseUrl: url })).getInfo({});
  assert.ok((breaches.counts().get("memoryBytes") ?? 0) >= 4);
});

test("while the event loop stays late, calls are refused on a socket, those in hand go on, and then all is well again", async (t) => {
  const { grpc, advance } = await startBridge(t);
  const steady = await join(t, grpc, "steady");
  const { getInfo } = createClient(BridgeService, grpc);
  for (let late = 0; late < 5; late += 1) advance(500);
  assert.equal(await refusalOf(getInfo({})), "Unavailable maxLoopDelayMs");
  steady.say({ case: "publish", value: { topic: "b", ref: 1n, event: {} } });
  await until(() => steady.heard.some(({ case: kind }) => kind === "receiptBatch"));
  advance(100);
  assert.equal(await refusalOf(getInfo({})), "let in");
});
