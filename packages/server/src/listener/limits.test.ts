import assert from "node:assert/strict";
import { once } from "node:events";
import { type ClientHttp2Session, connect as connectHttp2 } from "node:http2";
import { type TestContext, test } from "node:test";
import { gzipSync } from "node:zlib";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { Code, createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { LoomError, systemRuntime } from "@loom-bridge/protocol";
import { BridgeService, ClientEventSchema } from "@loom-bridge/protocol/messages";
import { Access } from "../domain/access/access.ts";
import { anybody } from "../domain/access/principal.ts";
import { silentLogger } from "../domain/logger.ts";
import { listen } from "./listen.ts";
import {
  createManualTimers,
  exchange,
  infoPath,
  openSocket,
  startListener,
  statsPath,
  streamPath,
  until,
} from "./listener.test-helper.ts";
import { envelope, type Frame, frameTypes, grpcHeaders, openRawHttp2, preface } from "./raw-http2.test-helper.ts";

/** An event whose message has this many bytes, all told. */
function eventOf(bytes: number): MessageInitShape<typeof ClientEventSchema> {
  const event = (topic: string): MessageInitShape<typeof ClientEventSchema> => ({
    event: { case: "publish", value: { topic } },
  });
  const overhead = toBinary(ClientEventSchema, create(ClientEventSchema, event("x".repeat(bytes)))).length - bytes;
  return event("x".repeat(bytes - overhead));
}

async function* sendAll<T>(messages: T[]): AsyncGenerator<T> {
  yield* messages;
}

function data(streamId: number, payload: Uint8Array): Frame {
  return { type: frameTypes.data, flags: 0, streamId, payload: Buffer.from(payload) };
}

test("a message in frames of one byte is taken whole", async (t) => {
  const { listener, seen } = await startListener(t);
  const raw = await openRawHttp2(t, listener.port);
  const message = envelope(toBinary(ClientEventSchema, create(ClientEventSchema, eventOf(60_000))));
  raw.send(grpcHeaders(1, streamPath), ...Array.from(message, (byte) => data(1, Uint8Array.of(byte))));
  await until(() => seen.events.length === 1);
  assert.equal(seen.events[0]?.event.case, "publish");
});

for (const [name, transport] of Object.entries({
  gRPC: (baseUrl: string) => createGrpcTransport({ baseUrl }),
  Connect: (baseUrl: string) => createConnectTransport({ baseUrl, httpVersion: "2" }),
})) {
  test(`a ${name} stream takes messages of readMaxBytes, and ends with the limit's name at one byte more`, async (t) => {
    const { listener, seen } = await startListener(t, { limits: { readMaxBytes: 1000 } });
    const client = createClient(BridgeService, transport(listener.url));
    await assert.rejects(
      async () => {
        for await (const _ of client.stream(sendAll([eventOf(1000), eventOf(1001)])));
      },
      {
        code: Code.ResourceExhausted,
        rawMessage: "a message of 1001 bytes is larger than readMaxBytes, 1000",
      },
    );
    assert.equal(seen.events.length, 1);
  });
}

test("a unary message over readMaxBytes, plain or compressed, is refused with the limit's name", async (t) => {
  const { listener } = await startListener(t, { limits: { readMaxBytes: 1000 } });
  const call = (body: Buffer<ArrayBuffer>, more: Record<string, string> = {}): Promise<Response> =>
    fetch(`${listener.url}${infoPath}`, {
      method: "POST",
      headers: { "content-type": "application/json", connection: "close", ...more },
      body,
    });
  const plain = await call(Buffer.from(`{"x":"${"x".repeat(1000)}"}`));
  assert.equal(plain.status, 429);
  assert.match(await plain.text(), /resource_exhausted.*readMaxBytes, 1000/);

  const packed = await call(gzipSync(Buffer.alloc(100_000, " ")), { "content-encoding": "gzip" });
  assert.equal(packed.status, 429);
  assert.match(await packed.text(), /resource_exhausted.*readMaxBytes, 1000/);
});

test("a prefix that announces 4 GiB is refused without waiting for a byte of it", async (t) => {
  const { listener } = await startListener(t);
  const raw = await openRawHttp2(t, listener.port);
  raw.send(grpcHeaders(1, streamPath));
  await raw.frame(frameTypes.data, 1);
  raw.send(data(1, Uint8Array.of(0, 255, 255, 255, 255)));
  await raw.frame(frameTypes.rstStream, 1);
  await until(() => listener.calls === 0);
});

test("an answer over writeMaxBytes is refused with the limit's name", async (t) => {
  const { listener } = await startListener(t, { limits: { writeMaxBytes: 3 } });
  const client = createClient(BridgeService, createGrpcTransport({ baseUrl: listener.url }));
  await assert.rejects(client.getInfo({}), { code: Code.ResourceExhausted, rawMessage: /writeMaxBytes 3$/ });
});

test("answers are compressed from compressMinBytes on", async (t) => {
  const encodingOf = async (compressMinBytes: number): Promise<string | null> => {
    const { listener } = await startListener(t, { limits: { compressMinBytes } });
    const headers = { "content-type": "application/json", "accept-encoding": "gzip", connection: "close" };
    const response = await fetch(`${listener.url}${infoPath}`, { method: "POST", headers, body: "{}" });
    assert.deepEqual(await response.json(), { name: "test" });
    return response.headers.get("content-encoding");
  };
  assert.equal(await encodingOf(15), "gzip");
  assert.equal(await encodingOf(16), null);
});

test("a client that did not know maxConcurrentStreams has one stream more refused, and the others go on", async (t) => {
  const { listener, seen } = await startListener(t, { limits: { maxConcurrentStreams: 2 } });
  const raw = await openRawHttp2(t, listener.port);
  raw.send(grpcHeaders(1, streamPath), grpcHeaders(3, streamPath), grpcHeaders(5, streamPath));
  const reset = await raw.frame(frameTypes.rstStream, 5);
  assert.equal(reset.payload.readUInt32BE(), 7, "REFUSED_STREAM");
  await raw.frame(frameTypes.data, 3);
  raw.send(data(1, envelope(Buffer.alloc(0))));
  await until(() => seen.events.length === 1);
});

test("HTTP/2 clients are told the limits and given large windows", async (t) => {
  const { listener } = await startListener(t);
  const session = openSession(t, listener.url);
  await once(session, "remoteSettings");
  assert.equal(session.remoteSettings.initialWindowSize, 1_048_576);
  assert.equal(session.remoteSettings.maxConcurrentStreams, 1000);
  assert.equal(session.remoteSettings.maxHeaderListSize, 16_384);
  await until(() => session.state.remoteWindowSize === 4_194_304);
});

test("one connection more than maxConnections is closed, and reported with the limit", async (t) => {
  const { listener, lines } = await startListener(t, { limits: { maxConnections: 1 } });
  await openSocket(t, listener.port);
  await until(() => listener.connections === 1);
  const second = await openSocket(t, listener.port);
  await new Promise((resolve) => second.resume().once("close", resolve));
  assert.deepEqual(lines, [
    {
      level: "warn",
      message: "a connection was refused",
      facts: { peer: "127.0.0.1", limit: "maxConnections", value: 1 },
    },
  ]);
  assert.equal(listener.connections, 1);
});

test("calls of a principal on one connection more than maxConnectionsPerPrincipal are refused, until one closes", async (t) => {
  const limits = { maxConnectionsPerPrincipal: 1 };
  const admit = () => new Access({ ...anybody, subject: "somebody" });
  const { listener } = await startListener(t, { limits, admit });
  const call = (transport: Transport) => createClient(BridgeService, transport).getInfo({});
  const first = openSession(t, listener.url);
  const request = first.request({ ":method": "POST", ":path": infoPath, "content-type": "application/proto" });
  request.end();
  await once(request, "response");
  const refused = { code: Code.ResourceExhausted, rawMessage: /maxConnectionsPerPrincipal, 1/ };
  await assert.rejects(call(createGrpcTransport({ baseUrl: listener.url })), refused);
  first.destroy();
  await until(() => listener.connections === 1);
  assert.equal((await call(createGrpcTransport({ baseUrl: listener.url }))).name, "test");
});

test("headers over maxHeaderBytes are refused over HTTP/1.1 and HTTP/2", async (t) => {
  const { listener } = await startListener(t);
  const large = "x".repeat(17_000);
  const head = `POST ${infoPath} HTTP/1.1\r\nHost: localhost\r\nX: ${large}\r\n\r\n`;
  assert.match(await exchange(t, listener.port, head), /^HTTP\/1\.1 431 /);
  const stream = openSession(t, listener.url).request({ ":method": "POST", ":path": infoPath, x: large });
  const [headers] = await once(stream, "response");
  assert.equal(headers[":status"], 431);
});

function openSession(t: TestContext, url: string): ClientHttp2Session {
  const session = connectHttp2(url);
  session.on("error", () => {});
  t.after(() => session.destroy());
  return session;
}

const beginnings = {
  "says nothing": "",
  "sends half of HTTP/2's preface": preface.subarray(0, 12),
  "sends HTTP/2's preface and no more": preface,
  "begins an HTTP/1.1 request": "POST / HTTP/1.1\r\n",
};

for (const [name, bytes] of Object.entries(beginnings)) {
  test(`a client that ${name} is closed after firstRequestTimeoutMs`, async (t) => {
    const time = createManualTimers();
    const { listener } = await startListener(t, { runtime: time.runtime });
    const socket = await openSocket(t, listener.port);
    socket.write(bytes);
    await until(() => listener.connections === 1);
    await new Promise((resolve) => setImmediate(resolve));
    time.advance(4999);
    assert.equal(socket.closed, false);
    time.advance(1);
    // An HTTP/2 client gets a second to leave by itself.
    await new Promise((resolve) => setImmediate(resolve));
    time.advance(1000);
    await until(() => listener.connections === 0);
  });
}

test("an HTTP/2 connection without a call is closed politely after idleConnectionTimeoutMs, and not before", async (t) => {
  const time = createManualTimers();
  const { listener, seen } = await startListener(t, { runtime: time.runtime });
  const session = openSession(t, listener.url);
  let goaway: number | undefined;
  session.on("goaway", (code) => (goaway = code));

  const stream = session.request({ ":method": "POST", ":path": streamPath, "content-type": "application/grpc" });
  stream.resume();
  await until(() => seen.contexts.length === 1);
  time.advance(3_600_000);
  stream.end();
  await until(() => listener.calls === 0);
  await new Promise((resolve) => setImmediate(resolve));
  time.advance(59_999);
  assert.equal(session.closed, false);
  time.advance(1);
  await until(() => goaway !== undefined);
  assert.equal(goaway, 0);
  time.advance(1000);
  await until(() => listener.connections === 0);
});

test("an HTTP/1.1 request that does not arrive within requestTimeoutMs is answered 408", async (t) => {
  const { listener } = await startListener(t, { limits: { requestTimeoutMs: 100 } });
  const head = `POST ${infoPath} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n`;
  assert.match(await exchange(t, listener.port, head), /^HTTP\/1\.1 408 /);
  await until(() => listener.calls === 0);
});

test("an HTTP/1.1 connection with a slow answer is not cut", async (t) => {
  const time = createManualTimers();
  const { listener } = await startListener(t, { runtime: time.runtime });
  const socket = await openSocket(t, listener.port);
  let received = "";
  socket.setEncoding("latin1").on("data", (text) => (received += String(text)));
  const request = `POST ${statsPath} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`;
  socket.write(request);
  await until(() => received.includes('"internal"'));
  time.advance(3_600_000);
  socket.write(request);
  await until(() => received.split('"internal"').length === 3);
});

test("a limit that is none is refused by its name and value", async () => {
  const base = { address: "127.0.0.1:0", logger: silentLogger, routes: () => {}, runtime: systemRuntime };
  for (const value of [0, -1, 1.5, Number.NaN, 2 ** 31]) {
    await assert.rejects(listen({ ...base, limits: { maxTimeoutMs: value } }), (error: unknown) => {
      assert.ok(LoomError.isInstance(error));
      assert.equal(error.code, "invalid_argument");
      assert.equal(error.details["field"], "limits.maxTimeoutMs");
      assert.ok(error.rawMessage.startsWith(`limits.maxTimeoutMs is ${value}; `));
      return true;
    });
  }
});
