import assert from "node:assert/strict";
import { connect as connectHttp2 } from "node:http2";
import { type TestContext, test } from "node:test";
import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { BridgeService } from "@loom-bridge/protocol/messages";
import {
  ack,
  infoPath,
  openSocket,
  silence,
  startListener,
  streamPath,
  type TestListener,
  until,
} from "./listener.test-helper.ts";
import { envelope, frameTypes, grpcHeaders, openRawHttp2 } from "./raw-http2.test-helper.ts";

const transports: Record<string, (baseUrl: string) => [Transport, Record<string, string>]> = {
  gRPC: (baseUrl) => [createGrpcTransport({ baseUrl }), { "grpc-timeout": "100m" }],
  Connect: (baseUrl) => [createConnectTransport({ baseUrl, httpVersion: "2" }), { "connect-timeout-ms": "100" }],
};

for (const [name, transport] of Object.entries(transports)) {
  test(`the deadline of a ${name} stream ends it while both sides are silent`, async (t) => {
    const { listener, seen } = await startListener(t);
    const [open, headers] = transport(listener.url);
    const messages = createClient(BridgeService, open).stream(silence(t), { headers })[Symbol.asyncIterator]();
    assert.equal((await messages.next()).value?.delivery.case, "ack");
    await assert.rejects(messages.next(), { code: Code.DeadlineExceeded });
    await until(() => seen.ends.length === 1);
    assert.equal(ConnectError.from(seen.ends[0]).code, Code.DeadlineExceeded);
    await until(() => listener.calls === 0);
  });
}

test("a deadline ends a stream whose handler waits for nothing that comes, and frees the connection", async (t) => {
  const { listener, lines } = await startListener(t, {
    routes: (router) =>
      void router.service(BridgeService, {
        async *stream() {
          yield ack();
          await new Promise<void>((resolve) => t.after(() => resolve()));
        },
      }),
  });
  const client = createClient(BridgeService, createGrpcTransport({ baseUrl: listener.url }));
  await assert.rejects(
    async () => {
      for await (const delivery of client.stream(silence(t), { headers: { "grpc-timeout": "50m" } }))
        assert.equal(delivery.delivery.case, "ack");
    },
    { code: Code.DeadlineExceeded },
  );
  await until(() => listener.calls === 0);
  assert.deepEqual(lines, []);
});

test("a unary call whose body never comes is ended by its deadline", async (t) => {
  const { listener } = await startListener(t);
  const session = connectHttp2(listener.url);
  t.after(() => session.destroy());
  for (const [type, header, value] of [
    ["application/grpc", "grpc-timeout", "50m"],
    ["application/json", "connect-timeout-ms", "50"],
  ] as const) {
    const request = { ":method": "POST", ":path": infoPath, "content-type": type, [header]: value };
    const stream = session.request(request);
    stream.on("data", () => {});
    const answers: Record<string, unknown>[] = [];
    stream.on("response", (headers) => answers.push(headers));
    stream.on("trailers", (headers) => answers.push(headers));
    await new Promise((resolve) => stream.once("close", resolve));
    if (type === "application/grpc") assert.equal(answers.at(-1)?.["grpc-status"], String(Code.DeadlineExceeded));
    else assert.equal(answers[0]?.[":status"], 504);
  }
  await until(() => listener.calls === 0);
});

test("the longest deadline of gRPC and of Connect does not pass at once", async (t) => {
  const { listener, seen } = await startListener(t);
  const client = createClient(BridgeService, createGrpcTransport({ baseUrl: listener.url }));
  assert.equal((await client.getInfo({}, { headers: { "grpc-timeout": "99999999H" } })).name, "test");
  const connect = createClient(BridgeService, createConnectTransport({ baseUrl: listener.url, httpVersion: "2" }));
  assert.equal((await connect.getInfo({}, { headers: { "connect-timeout-ms": "9999999999" } })).name, "test");

  const ended = new AbortController();
  t.after(() => ended.abort());
  const options = { headers: { "grpc-timeout": "99999999H" }, signal: ended.signal };
  await client.stream(silence(t), options)[Symbol.asyncIterator]().next();
  const left = seen.contexts[0]?.timeoutMs() ?? 0;
  assert.ok(left > 2_147_000_000 && left < 2 ** 31);
  assert.equal(seen.contexts[0]?.signal.aborted, false);
});

test("a client that is cut off ends its handler's read", async (t) => {
  const { listener, seen }: TestListener = await startListener(t);
  const raw = await openRawHttp2(t, listener.port);
  raw.send(grpcHeaders(1, streamPath));
  await raw.frame(frameTypes.data, 1);
  raw.socket.destroy();
  await until(() => seen.ends.length === 1);
  assert.equal(ConnectError.from(seen.ends[0]).code, Code.Canceled);
  await until(() => listener.calls === 0 && listener.connections === 0);
});

test("a client that resets its stream ends its handler's read, and the connection goes on", async (t) => {
  const { listener, seen } = await startListener(t);
  const raw = await openRawHttp2(t, listener.port);
  raw.send(grpcHeaders(1, streamPath), {
    type: frameTypes.data,
    flags: 0,
    streamId: 1,
    payload: envelope(Buffer.of()),
  });
  await raw.frame(frameTypes.data, 1);
  await until(() => seen.events.length === 1);
  raw.send({ type: frameTypes.rstStream, flags: 0, streamId: 1, payload: Buffer.of(0, 0, 0, 8) });
  await until(() => listener.calls === 0);
  assert.equal(ConnectError.from(seen.ends[0]).code, Code.Canceled);
  raw.send(grpcHeaders(3, streamPath));
  await raw.frame(frameTypes.data, 3);
});

/** A service whose Subscribe never ends by itself, and a client that reads nothing of it. */
async function startFlood(t: TestContext, timeout: string) {
  const state = { cleanedUp: false };
  const { listener } = await startListener(t, {
    routes: (router) =>
      void router.service(BridgeService, {
        async *subscribe() {
          try {
            for (;;) yield { delivery: { case: "event" as const, value: { topic: "x".repeat(100_000) } } };
          } finally {
            state.cleanedUp = true;
          }
        },
      }),
  });
  const raw = await openRawHttp2(t, listener.port);
  const message = { type: frameTypes.data, flags: 1, streamId: 1, payload: envelope(Buffer.of()) };
  raw.send(grpcHeaders(1, "/loom.bridge.v1.BridgeService/Subscribe", { "grpc-timeout": timeout }), message);
  // Without a WINDOW_UPDATE the server may send 65 535 bytes.
  await until(() => raw.received.reduce((sum, { payload }) => sum + payload.length, 0) > 60_000);
  return { listener, raw, state };
}

const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;

test("a client that stops reading and hangs up ends a handler that waits for room, and its deadline", async (t) => {
  const before = timers();
  const { listener, raw, state } = await startFlood(t, "1H");
  assert.equal(timers(), before + 1);
  raw.socket.destroy();
  await until(() => state.cleanedUp && listener.calls === 0);
  await until(() => timers() === before);
});

test("a deadline ends a handler that waits for room", async (t) => {
  const { state } = await startFlood(t, "100m");
  await until(() => state.cleanedUp);
});

test("a handler that wakes after its deadline cleans up", async (t) => {
  const late = Promise.withResolvers<void>();
  let cleanedUp = false;
  const { listener } = await startListener(t, {
    routes: (router) =>
      void router.service(BridgeService, {
        async *subscribe() {
          try {
            await late.promise;
            yield { delivery: { case: "subscribed", value: {} } };
          } finally {
            cleanedUp = true;
          }
        },
      }),
  });
  const client = createClient(BridgeService, createGrpcTransport({ baseUrl: listener.url }));
  const messages = client.subscribe({}, { headers: { "grpc-timeout": "50m" } })[Symbol.asyncIterator]();
  await assert.rejects(messages.next(), { code: Code.DeadlineExceeded });
  assert.equal(cleanedUp, false);
  late.resolve();
  await until(() => cleanedUp);
});

test("an HTTP/1.1 client that leaves in the middle of its request leaves no call, and no line in the log", async (t) => {
  const { listener, lines } = await startListener(t);
  const socket = await openSocket(t, listener.port);
  socket.write(
    `POST ${infoPath} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{`,
  );
  await until(() => listener.calls === 1);
  socket.resetAndDestroy();
  await until(() => listener.calls === 0 && listener.connections === 0);
  assert.deepEqual(lines, []);
});
