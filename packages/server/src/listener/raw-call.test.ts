import assert from "node:assert/strict";
import { connect as connectHttp2, type OutgoingHttpHeaders } from "node:http2";
import { type TestContext, test } from "node:test";
import { Code, ConnectError } from "@connectrpc/connect";
import type { ListenerOptions } from "./listen.ts";
import { createManualTimers, startListener, streamPath, type TestListener, until } from "./listener.test-helper.ts";
import type { MessageReceiver, MessageStream } from "./message-stream.ts";
import { envelope, frameTypes, grpcHeaders, openRawHttp2 } from "./raw-http2.test-helper.ts";

/** One call's handler, and what it was told. */
interface Handled {
  stream: MessageStream;
  told: (string | ConnectError)[];
}

interface RawListener extends TestListener {
  handled: Handled[];
}

/** A listener that answers Stream by a handler which remembers, and does what the test says with a message. */
async function startRaw(
  t: TestContext,
  options: Partial<ListenerOptions> & { onMessage?: (text: string, stream: MessageStream) => void } = {},
): Promise<RawListener> {
  const handled: Handled[] = [];
  const handler = (stream: MessageStream): MessageReceiver => {
    const told: Handled["told"] = [];
    handled.push({ stream, told });
    return {
      onMessage(message) {
        const text = Buffer.from(message).toString();
        told.push(text);
        options.onMessage?.(text, stream);
      },
      onEnd: () => void told.push("end"),
      onDrain: () => void told.push("drain"),
      onAbort: (reason) => void told.push(reason),
    };
  };
  return { ...(await startListener(t, { ...options, streams: new Map([[streamPath, handler]]) })), handled };
}

interface Outcome {
  status: number;
  trailers: Record<string, unknown>;
  messages: Buffer;
}

/** Makes a call with a body; resolves when it is over. */
function call(t: TestContext, { listener }: RawListener, headers: OutgoingHttpHeaders, body: Buffer): Promise<Outcome> {
  const session = connectHttp2(listener.url);
  t.after(() => session.destroy());
  return new Promise((resolve, reject) => {
    const outcome: Outcome = { status: 0, trailers: {}, messages: Buffer.alloc(0) };
    const stream = session.request({
      ":method": "POST",
      ":path": streamPath,
      "content-type": "application/grpc",
      te: "trailers",
      ...headers,
    });
    stream.on("response", (head) => (outcome.status = Number(head[":status"])));
    stream.on("trailers", (trailers) => (outcome.trailers = trailers));
    stream.on("data", (chunk: Buffer) => (outcome.messages = Buffer.concat([outcome.messages, chunk])));
    stream.on("error", reject);
    stream.on("close", () => resolve(outcome));
    stream.end(body);
  });
}

const hello = envelope(Buffer.from("hello"));

test("a gRPC call is answered by the handler, with its messages and its status", async (t) => {
  const raw = await startRaw(t, {
    onMessage: (text, stream) => {
      stream.write(envelope(Buffer.from(text.toUpperCase())));
      stream.end(new ConnectError("no more, 100 % sure", Code.Aborted));
    },
  });
  const outcome = await call(t, raw, {}, hello);
  assert.equal(outcome.status, 200);
  assert.deepEqual(outcome.messages, envelope(Buffer.from("HELLO")));
  assert.equal(outcome.trailers["grpc-status"], String(Code.Aborted));
  assert.equal(outcome.trailers["grpc-message"], "no%20more%2C%20100%20%25%20sure");
  await until(() => raw.listener.calls === 0);
  assert.deepEqual(raw.lines, []);
});

for (const [what, headers] of Object.entries({
  "gRPC-Web": { "content-type": "application/grpc-web+proto" },
  "gRPC with JSON": { "content-type": "application/grpc+json" },
  "gRPC with gzip": { "grpc-encoding": "gzip" },
  Connect: { "content-type": "application/connect+proto" },
})) {
  test(`${what} is answered by Connect`, async (t) => {
    const raw = await startRaw(t);
    await call(t, raw, headers, Buffer.alloc(0));
    assert.equal(raw.handled.length, 0);
    assert.equal(raw.seen.contexts.length, 1);
  });
}

for (const [what, body, code] of [
  ["a message that is too large", Buffer.of(0, 0, 0, 0, 101), Code.ResourceExhausted],
  ["a message that says it is compressed", Buffer.of(1, 0, 0, 0, 1, 0), Code.Internal],
  ["a message that ends early", hello.subarray(0, 7), Code.InvalidArgument],
] as const) {
  test(`${what} ends the call with ${Code[code]}, for the client and for the handler`, async (t) => {
    const raw = await startRaw(t, { limits: { readMaxBytes: 100 } });
    const { trailers } = await call(t, raw, {}, Buffer.concat([hello, body]));
    assert.equal(trailers["grpc-status"], String(code));
    const [first, reason] = raw.handled[0]?.told ?? [];
    assert.equal(first, "hello");
    assert.equal(reason instanceof ConnectError && reason.code, code);
    assert.deepEqual(raw.lines, []);
  });
}

test("a deadline that cannot be read is refused, and the handler is not asked", async (t) => {
  const raw = await startRaw(t);
  const { trailers } = await call(t, raw, { "grpc-timeout": "soon" }, hello);
  assert.equal(trailers["grpc-status"], String(Code.InvalidArgument));
  assert.equal(raw.handled.length, 0);
});

test("a deadline ends the call; the longest one does not pass at once", async (t) => {
  const timers = createManualTimers();
  const raw = await startRaw(t, { runtime: timers.runtime });
  const outcome = call(t, raw, { "grpc-timeout": "2S" }, Buffer.alloc(0));
  const client = await openRawHttp2(t, raw.listener.port);
  client.send(grpcHeaders(1, streamPath, { "grpc-timeout": "99999999H" }));
  await until(() => raw.handled.length === 2);
  timers.advance(1999);
  assert.deepEqual(
    raw.handled.flatMap(({ told }) => told).filter((each) => each !== "end"),
    [],
  );
  timers.advance(1);
  assert.equal((await outcome).trailers["grpc-status"], String(Code.DeadlineExceeded));
  assert.equal(raw.listener.calls, 1);
});

test("closing the listener ends the call with UNAVAILABLE", async (t) => {
  const raw = await startRaw(t);
  const outcome = call(t, raw, {}, hello);
  await until(() => raw.handled[0]?.told.length === 2);
  await raw.listener.close({ graceMs: 0 });
  const reason = raw.handled[0]?.told[2];
  assert.equal(reason instanceof ConnectError && reason.code, Code.Unavailable);
  const { trailers } = await outcome;
  assert.equal(trailers["grpc-status"], String(Code.Unavailable));
  assert.equal(trailers["grpc-message"], "the%20bridge%20is%20shutting%20down");
});

for (const way of ["resets its stream", "is cut off"]) {
  test(`a client that ${way} ends the call for the handler, and nothing is logged`, async (t) => {
    const raw = await startRaw(t);
    const client = await openRawHttp2(t, raw.listener.port);
    client.send(grpcHeaders(1, streamPath));
    await until(() => raw.handled.length === 1);
    if (way === "is cut off") client.socket.destroy();
    else client.send({ type: frameTypes.rstStream, flags: 0, streamId: 1, payload: Buffer.of(0, 0, 0, 8) });
    await until(() => raw.handled[0]?.told.length === 1 && raw.listener.calls === 0);
    const [reason] = raw.handled[0]?.told ?? [];
    assert.equal(reason instanceof ConnectError && reason.code, Code.Canceled);
    assert.equal(raw.handled[0]?.stream.write(hello), false);
    // Node tells of a connection that broke.
    assert.deepEqual(
      raw.lines.filter(({ level }) => level !== "debug"),
      [],
    );
  });
}

test("a handler that fails ends its call with INTERNAL and a line in the log, and no other", async (t) => {
  const raw = await startRaw(t, {
    onMessage: () => {
      throw new TypeError("a defect");
    },
  });
  const { trailers } = await call(t, raw, {}, hello);
  assert.equal(trailers["grpc-status"], String(Code.Internal));
  assert.equal(trailers["grpc-message"], "internal%20error");
  assert.deepEqual(
    raw.lines.map(({ level, message }) => [level, message]),
    [["error", "a call failed"]],
  );
  assert.equal((await call(t, raw, {}, hello)).status, 200);
});

test("a paused call gets no message, not even one that has come, and no end, until it resumes", async (t) => {
  const raw = await startRaw(t, { onMessage: (_text, stream) => stream.pause() });
  const outcome = call(t, raw, {}, Buffer.concat([hello, hello]));
  await until(() => raw.handled.length === 1);
  const [{ told, stream } = { told: [], stream: undefined }] = raw.handled;
  await until(() => told.length === 1);
  stream?.resume();
  assert.deepEqual(told, ["hello", "hello"]);
  stream?.resume();
  await until(() => told.length === 3);
  assert.equal(told[2], "end");
  stream?.end();
  assert.equal((await outcome).trailers["grpc-status"], "0");
});

test("a client that does not read stops the writer, and is reset when the call has ended for long", async (t) => {
  const timers = createManualTimers();
  const raw = await startRaw(t, { runtime: timers.runtime });
  const client = await openRawHttp2(t, raw.listener.port);
  client.send(grpcHeaders(1, streamPath));
  await until(() => raw.handled.length === 1);
  const [{ stream, told } = { stream: undefined, told: [] }] = raw.handled;
  const large = envelope(Buffer.alloc(100_000));
  assert.equal(stream?.write(large), false);
  // Without a WINDOW_UPDATE the listener may send 65 535 bytes.
  await until(() => client.received.reduce((sum, { payload }) => sum + payload.length, 0) > 60_000);
  assert.deepEqual(told, []);
  stream?.end();
  assert.equal(raw.listener.calls, 1);
  timers.advance(10_000);
  await client.frame(frameTypes.rstStream, 1);
  await until(() => raw.listener.calls === 0);
});

test("a writer may go on when the client reads again", async (t) => {
  const raw = await startRaw(t);
  const client = await openRawHttp2(t, raw.listener.port);
  client.send(grpcHeaders(1, streamPath));
  await until(() => raw.handled.length === 1);
  raw.handled[0]?.stream.write(envelope(Buffer.alloc(100_000)));
  const window = Buffer.of(0, 1, 0, 0);
  const windowUpdate = 8;
  for (const streamId of [0, 1]) client.send({ type: windowUpdate, flags: 0, streamId, payload: window });
  await until(() => raw.handled[0]?.told.includes("drain") === true);
});
