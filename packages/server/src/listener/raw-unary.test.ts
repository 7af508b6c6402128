import assert from "node:assert/strict";
import { connect as connectHttp2, constants, type OutgoingHttpHeaders } from "node:http2";
import { type TestContext, test } from "node:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { BridgeService, ExplainRequestSchema, ExplainResponseSchema } from "@loom-bridge/protocol/messages";
import { createManualTimers, startListener, type TestListener, until } from "./listener.test-helper.ts";
import { envelope } from "./raw-http2.test-helper.ts";

const path = "/loom.bridge.v1.BridgeService/Explain";

interface Asked {
  readonly signals: AbortSignal[];
}

/** Explain answers with an id's length, throws for "throw", waits for "wait", and answers too much for "large". */
async function startExplain(
  t: TestContext,
  options: Parameters<typeof startListener>[1] = {},
): Promise<TestListener & Asked> {
  const signals: AbortSignal[] = [];
  const listener = await startListener(t, {
    ...options,
    routes: (router) =>
      void router.service(BridgeService, {
        explain({ id }, { signal, responseTrailer }) {
          signals.push(signal);
          responseTrailer.set("said", "more");
          if (id === "throw") throw new Error("a secret");
          if (id === "wait") return new Promise(() => {});
          return {
            sinceMs: BigInt(id === "large" ? 0 : id.length),
            entries: id === "large" ? [{ detail: "x".repeat(99) }] : [],
          };
        },
      }),
  });
  return { ...listener, signals };
}

interface Outcome {
  readonly trailers: Record<string, unknown>;
  readonly body: Buffer;
}

function ask(t: TestContext, { listener }: TestListener, body: Buffer, headers: OutgoingHttpHeaders = {}) {
  const session = connectHttp2(listener.url);
  t.after(() => session.destroy());
  const stream = session.request({
    ":method": "POST",
    ":path": path,
    "content-type": "application/grpc",
    te: "trailers",
    ...headers,
  });
  const outcome = new Promise<Outcome>((resolve) => {
    let trailers = {};
    const chunks: Buffer[] = [];
    stream.on("trailers", (last) => (trailers = last));
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("error", () => {});
    stream.on("close", () => resolve({ trailers, body: Buffer.concat(chunks) }));
  });
  stream.write(body);
  return { stream, outcome };
}

function request(id: string): Buffer {
  return envelope(toBinary(ExplainRequestSchema, create(ExplainRequestSchema, { id })));
}

async function statusOf(t: TestContext, listener: TestListener, body: Buffer, headers?: OutgoingHttpHeaders) {
  const { stream, outcome } = ask(t, listener, body, headers);
  stream.end();
  const { trailers } = await outcome;
  return [Number(trailers["grpc-status"]), decodeURIComponent(String(trailers["grpc-message"] ?? ""))];
}

test("a unary call is answered by its handler, however its bytes are cut, with the handler's own trailers", async (t) => {
  const listener = await startExplain(t);
  const { stream, outcome } = ask(t, listener, Buffer.alloc(0));
  for (const byte of request("twelve bytes")) stream.write(Buffer.of(byte));
  stream.end();
  const { body, trailers } = await outcome;
  assert.equal(fromBinary(ExplainResponseSchema, body.subarray(5)).sinceMs, 12n);
  assert.deepEqual([trailers["grpc-status"], trailers["said"]], ["0", "more"]);
  assert.equal(listener.listener.calls, 0);
});

test("a call without a message, with two, with half of one or with none ends with what is wrong", async (t) => {
  const listener = await startExplain(t, { limits: { readMaxBytes: 100, writeMaxBytes: 50 } });
  const outcomes = [
    [Buffer.alloc(0), 12, /missing input message/],
    [Buffer.concat([request("a"), request("b")]), 12, /extra input message/],
    [request("abc").subarray(0, 7), 3, /incomplete/],
    [envelope(Buffer.of(0xff)), 13, /parse binary/],
    [request("x".repeat(200)), 8, /larger than readMaxBytes/],
    [request("large"), 8, /larger than configured writeMaxBytes 50/],
    [request("throw"), 13, /^internal error$/],
  ] as const;
  for (const [body, code, message] of outcomes) {
    const [status, text] = await statusOf(t, listener, body);
    assert.equal(status, code, String(message));
    assert.match(String(text), message);
  }
  assert.ok(listener.lines.some(({ facts }) => String(facts?.["error"]).includes("a secret")));
});

test("a deadline ends a call while its handler works, and while its message is awaited", async (t) => {
  const { runtime, advance } = createManualTimers();
  const listener = await startExplain(t, { runtime });
  const working = ask(t, listener, request("wait"), { "grpc-timeout": "50m" });
  working.stream.end();
  await until(() => listener.signals.length === 1);
  const waiting = ask(t, listener, Buffer.of(0), { "grpc-timeout": "50m" });
  await until(() => listener.listener.calls === 2);
  advance(50);
  for (const { outcome } of [working, waiting]) assert.equal((await outcome).trailers["grpc-status"], "4");
  assert.equal(listener.signals[0]?.aborted, true);
  assert.deepEqual(await statusOf(t, listener, request("a"), { "grpc-timeout": "soon" }).then(([code]) => code), 3);
});

test("a client that leaves aborts its handler, and nothing is left", async (t) => {
  const listener = await startExplain(t);
  const { stream, outcome } = ask(t, listener, request("wait"));
  stream.end();
  await until(() => listener.signals.length === 1);
  stream.close(constants.NGHTTP2_CANCEL);
  await outcome;
  await until(() => listener.signals[0]?.aborted === true && listener.listener.calls === 0);
});
