import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { create, toBinary } from "@bufbuild/protobuf";
import { ClientEventSchema, EventSchema, PublishRequestSchema, RegisterSchema } from "@loom-bridge/protocol/messages";
import { post, statuses } from "./post.ts";
import { callHeaders, data, envelope, flags, frameTypes, infoPath, openRaw, streamPath } from "./raw-http2.ts";
import { startVictim } from "./victim.ts";

// Messages that are not what their prefix, their encoding or their fields say.
const victim = await startVictim();
const publishPath = "/loom.bridge.v1.BridgeService/Publish";

function publish(topic: string, payloadBytes = 0): Uint8Array {
  const event = create(EventSchema, { payload: new Uint8Array(payloadBytes) });
  return toBinary(PublishRequestSchema, create(PublishRequestSchema, { topic, event }));
}

/** A length-delimited field. */
function field(number: number, content: Uint8Array): Buffer {
  return Buffer.concat([varint(number * 8 + 2), varint(content.length), content]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return Buffer.from([...bytes, rest]);
}

function repeat(piece: Uint8Array, times: number): Buffer {
  const bytes = Buffer.alloc(piece.length * times);
  for (let at = 0; at < bytes.length; at += piece.length) bytes.set(piece, at);
  return bytes;
}

for (const path of [streamPath, publishPath]) {
  const name = path.split("/").at(-1);
  test(`row 25: ${name}: 100 prefixes that announce 4 GiB reserve nothing and are refused`, async () => {
    await victim.withstand(async () => {
      const raw = await openRaw(victim.port);
      for (let index = 0; index < 100; index += 1) {
        await raw.send(callHeaders(2 * index + 1, path), data(2 * index + 1, Buffer.of(0, 255, 255, 255, 255)));
      }
      for (let index = 0; index < 100; index += 1) {
        assert.notEqual(await raw.frame(frameTypes.rstStream, 2 * index + 1), undefined);
      }
      raw.destroy();
    });
  });

  test(`row 28: ${name}: a message of 60 kB in as many frames holds up nobody`, async () => {
    await victim.withstand(async () => {
      const raw = await openRaw(victim.port);
      await raw.send(callHeaders(1, path));
      const register = create(RegisterSchema, { agentId: "trickle", topics: ["x"], metadata: {} });
      const message = create(ClientEventSchema, { event: { case: "register", value: register } });
      const bytes = envelope(path === streamPath ? toBinary(ClientEventSchema, message) : publish("a.b", 60_000));
      // The stream's message is made longer by a field that nobody knows.
      const long =
        path === streamPath ? envelope(Buffer.concat([bytes.subarray(5), field(900, Buffer.alloc(60_000))])) : bytes;
      for (let at = 0; at < long.length; at += 1000) {
        await raw.send(...Array.from(long.subarray(at, at + 1000), (byte) => data(1, Buffer.of(byte))));
      }
      await raw.send(data(1, Buffer.alloc(0), flags.endStream));
      assert.notEqual(await raw.frame(frameTypes.data, 1), undefined);
      raw.destroy();
    });
  });
}

test("row 26: a message of readMaxBytes is taken, and one byte more is not", async () => {
  const small = await startVictim({ limits: { readMaxBytes: 10_000 } });
  const overhead = publish("a.b", 9000).length - 9000;
  const at = await post(small.url, publishPath, envelope(publish("a.b", 10_000 - overhead)));
  assert.equal(at.grpcStatus, statuses.ok);
  const beyond = await post(small.url, publishPath, envelope(publish("a.b", 10_001 - overhead)));
  assert.equal(beyond.grpcStatus, statuses.resourceExhausted);
  assert.match(beyond.message, /readMaxBytes, 10000$/);
  assert.equal((await small.state()).breaches["readMaxBytes"], 1);
});

test("row 27: a Content-Length that lies is refused", async () => {
  await victim.withstand(async () => {
    for (const length of ["1", "5000000", "18446744073709551616"]) {
      const more = { "content-type": "application/json", "content-length": length };
      const { status, resetCode } = await post(victim.url, publishPath, Buffer.from("{}"), more);
      assert.ok(status !== 200 || resetCode !== 0, length);
    }
  });
});

const packed = { "grpc-encoding": "gzip" };
const bomb = gzipSync(Buffer.alloc(200_000_000));
test("row 29: gzip that unpacks to 200 MB, is packed twice, cut off, or not what the header says is refused", async () => {
  await victim.withstand(async () => {
    const call = (bytes: Uint8Array, more = {}) => post(victim.url, publishPath, bytes, more);
    assert.equal((await call(envelope(bomb, 1), packed)).grpcStatus, statuses.resourceExhausted);
    assert.equal((await call(envelope(gzipSync(bomb), 1), packed)).grpcStatus, statuses.resourceExhausted);
    const message = gzipSync(publish("a.b"));
    assert.equal((await call(envelope(message, 1), packed)).grpcStatus, statuses.ok);
    const truncated = envelope(message.subarray(0, message.length - 5), 1);
    assert.equal((await call(truncated, packed)).grpcStatus, statuses.invalidArgument);
    assert.equal((await call(envelope(message, 1))).grpcStatus, statuses.internal);
    assert.equal((await call(envelope(message, 1), { "grpc-encoding": "br" })).grpcStatus, statuses.unimplemented);
    assert.notEqual((await call(envelope(publish("a.b"), 64))).grpcStatus, undefined);
    const unary = { "content-type": "application/proto", "content-encoding": "gzip" };
    assert.equal((await call(bomb, unary)).status, 429);
    const stream = await post(victim.url, streamPath, envelope(bomb, 1), packed);
    assert.equal(stream.grpcStatus, statuses.resourceExhausted);
  });
  const { breaches } = await victim.state();
  assert.ok((breaches["maxCompressionRatio"] ?? 0) + (breaches["readMaxBytes"] ?? 0) >= 4);
});

test("row 29: a compressed message in the URL of a GET is not taken", async () => {
  const query = `encoding=proto&base64=1&compression=gzip&message=${gzipSync(Buffer.alloc(2_000_000, 10)).toString("base64url")}`;
  await victim.withstand(async () => {
    const response = await fetch(`${victim.url}${infoPath}?${query}`, { headers: { connection: "close" } });
    assert.equal(response.status, 501);
    await response.text();
  });
});

test("rows 30 and 31: messages that are cut off, missing or too many end their calls, and nothing else", async () => {
  await victim.withstand(async () => {
    const half = envelope(publish("a.b")).subarray(0, 8);
    for (const path of [streamPath, publishPath]) {
      assert.equal((await post(victim.url, path, half)).grpcStatus, statuses.invalidArgument, path);
    }
    assert.equal((await post(victim.url, streamPath, Buffer.alloc(0))).grpcStatus, statuses.invalidArgument);
    for (const body of [Buffer.alloc(0), repeat(envelope(publish("a.b")), 2)]) {
      const { grpcStatus } = await post(victim.url, publishPath, body);
      assert.ok([statuses.unimplemented, statuses.invalidArgument].includes(grpcStatus as 3), String(grpcStatus));
    }
  });
});

test("row 32: text that is no UTF-8 is an error", async () => {
  await victim.withstand(async () => {
    const topic = field(1, Buffer.from([0xff, 0xfe, 0xc0]));
    assert.notEqual((await post(victim.url, publishPath, envelope(topic))).grpcStatus, statuses.ok);
    const register = envelope(field(2, topic));
    assert.notEqual((await post(victim.url, streamPath, register)).grpcStatus, statuses.ok);
  });
});

const malformed: Record<string, Uint8Array> = {
  "a number without end": Buffer.alloc(20, 0xff),
  "a field that is longer than its message": Buffer.from([0x0a, 0x7f, 1]),
  "5000 groups": repeat(Buffer.of(0x0b), 5000),
  "a message 5000 levels deep": nest(5000),
  "a field of an unknown wire type": Buffer.of(0x0f),
};
for (const [name, bytes] of Object.entries(malformed)) {
  test(`row 33: ${name} is an error`, async () => {
    await victim.withstand(async () => {
      for (const [path, message] of [
        [publishPath, bytes],
        [publishPath, field(2, bytes)],
        [streamPath, bytes],
        [streamPath, field(2, bytes)],
      ] as const) {
        assert.notEqual((await post(victim.url, path, envelope(message))).grpcStatus, statuses.ok, path);
      }
    });
  });
}

function nest(levels: number): Buffer {
  let bytes: Buffer = Buffer.alloc(0);
  for (let level = 0; level < levels; level += 1) bytes = field(2, bytes);
  return bytes;
}

const heavy: Record<string, [path: string, message: Buffer]> = {
  "4 MB of unknown fields in a publish": [publishPath, repeat(Buffer.of(0xf8, 0x3e, 1), 1_300_000)],
  "4 MB of unknown fields in a Register": [streamPath, field(2, repeat(Buffer.of(0xf8, 0x3e, 1), 1_300_000))],
  "300 000 entries of a map": [publishPath, field(2, repeat(field(5, field(1, Buffer.from("k"))), 300_000))],
  "300 000 entries of a map on a stream": [
    streamPath,
    field(1, field(2, repeat(field(5, field(1, Buffer.from("k"))), 300_000))),
  ],
  "2 000 000 empty texts": [streamPath, field(2, repeat(field(2, Buffer.alloc(0)), 2_000_000))],
  "1 000 000 events in one batch": [streamPath, field(4, repeat(Buffer.of(0x12, 0), 1_000_000))],
};
for (const [name, [path, message]] of Object.entries(heavy)) {
  test(`rows 34 and 35: ${name} are refused before they are parsed`, async () => {
    await victim.withstand(async () => {
      const { grpcStatus, message: text } = await post(victim.url, path, envelope(message));
      assert.equal(grpcStatus, statuses.resourceExhausted, text);
    });
  });
}
