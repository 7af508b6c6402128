import assert from "node:assert/strict";
import { test } from "node:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { LoomError } from "@loom-bridge/protocol";
import { EventSchema } from "@loom-bridge/protocol/messages";
import { FakeRuntime } from "../fake-runtime.test-helper.ts";
import { Envelope } from "./envelope.ts";
import { nextHop } from "./next-hop.ts";

const trace = { trace_id: "0af7651916cd43dd8448eb211c80319c", span_id: "b7ad6b7169203331", trace_flags: "1" };

function received(metadata: Record<string, string>): Envelope {
  return Envelope.fromProto(create(EventSchema, { id: "e1", type: "t", metadata }));
}

test("an envelope reads its keys with and without the prefix, and the prefixed one wins", () => {
  const names = ["thread_id", "correlation_id", "sender", "reply_to"] as const;
  for (const prefix of ["loom.", ""]) {
    const envelope = received({ ...Object.fromEntries(names.map((name) => [prefix + name, name])), ...trace });
    assert.deepEqual(
      [envelope.threadId, envelope.correlationId, envelope.sender, envelope.replyTo],
      ["thread_id", "correlation_id", "sender", "reply_to"],
    );
    assert.deepEqual([envelope.traceId, envelope.spanId, envelope.traceFlags], [trace.trace_id, trace.span_id, 1]);
  }
  assert.equal(received({ "loom.sender": "a", sender: "b" }).sender, "a");
});

test("an envelope survives the wire", () => {
  const init = {
    id: "e1",
    type: "price",
    timestampMs: 1234,
    source: "feed",
    payload: { price: 1.5 },
    metadata: { mine: "x" },
    confidence: 0.5,
    tags: ["a"],
    priority: 7,
    threadId: "th",
    correlationId: "co",
    replyTo: "re.to",
    sender: "se",
    ttlMs: 900,
    traceId: trace.trace_id,
    spanId: trace.span_id,
    traceFlags: 1,
  };
  const sent = Envelope.create(init);
  const back = Envelope.fromProto(fromBinary(EventSchema, toBinary(EventSchema, sent.toProto())));
  assert.deepEqual({ ...back }, { ...sent });
  assert.deepEqual(back.json(), { price: 1.5 });
  assert.equal(back.metadata["loom.ttl_ms"], "900");
  assert.equal(back.metadata["mine"], "x");
});

test("keys that metadata has already stay as they are", () => {
  const { metadata } = Envelope.create({
    type: "t",
    metadata: { thread_id: "given", "loom.sender": "me" },
    threadId: "other",
    sender: "x",
  });
  assert.deepEqual(metadata, { thread_id: "given", "loom.sender": "me" });
});

test("an empty sender is never written", () => {
  assert.equal("loom.sender" in Envelope.create({ type: "t", sender: "" }).toProto().metadata, false);
  assert.equal(
    "loom.sender" in Envelope.create({ type: "t", metadata: { "loom.sender": "" } }).toProto().metadata,
    false,
  );
});

test("a ttl or trace that cannot be read counts as absent and harms nothing", () => {
  for (const ttl of ["abc", "1.5", "-1", "", "99999999999999999999"]) {
    const envelope = received({ "loom.ttl_ms": ttl });
    assert.equal(envelope.ttlMs, undefined, ttl);
    assert.equal(envelope.toProto().id, "e1");
  }
  assert.equal(received({ ttl: "16" }).ttlMs, undefined, "a count of hops is no time");
  assert.equal(received({ ...trace, trace_id: "0".repeat(32) }).traceId, undefined);
  assert.equal(received({ ...trace, trace_id: "xyz" }).traceId, undefined);
  assert.equal(received({ ...trace, trace_flags: "many" }).traceFlags, 0);
});

test("the bridge's word about the sender wins over what the publisher wrote", () => {
  const event = create(EventSchema, { metadata: { "loom.sender": "mallory" } });
  assert.equal(Envelope.fromProto(event, { sender: "alice" }).sender, "alice");
  assert.equal(Envelope.fromProto(event, { sender: "" }).sender, "mallory");
});

test("a kept payload does not keep the message it came in", () => {
  for (const length of [10, 100_000]) {
    const event = create(EventSchema, { payload: new Uint8Array(length).fill(1), source: "x".repeat(100_000) });
    const message = toBinary(EventSchema, event);
    const { payload } = Envelope.fromProto(fromBinary(EventSchema, message));
    assert.notEqual(payload.buffer, message.buffer);
    assert.ok(payload.buffer.byteLength <= Math.max(length, Buffer.poolSize));
    message.fill(0);
    assert.ok(payload.length === length && payload.every((byte) => byte === 1));
  }
});

test("a payload may be bytes, text or a JSON value", () => {
  assert.deepEqual(Envelope.create({ type: "t", payload: new Uint8Array([1, 2]) }).payload, new Uint8Array([1, 2]));
  assert.equal(Envelope.create({ type: "t", payload: "Bullish ↑" }).text(), "Bullish ↑");
  assert.deepEqual(Envelope.create({ type: "t", payload: [1, null] }).json(), [1, null]);
  assert.equal(Envelope.create({ type: "t", payload: false }).text(), "false");
  assert.equal(Envelope.create({ type: "t" }).payload.length, 0);
  const circle: Record<string, unknown> = {};
  circle["self"] = circle;
  assert.throws(() => Envelope.create({ type: "t", payload: circle }), { code: "invalid_argument" });
  assert.throws(() => Envelope.create({ type: "t", payload: "no json" }).json(), { code: "invalid_argument" });
});

test("id and time come from the runtime", () => {
  const envelope = Envelope.create({ type: "t" }, new FakeRuntime());
  assert.deepEqual(
    [envelope.id, envelope.timestampMs, envelope.confidence, envelope.priority],
    ["id-1", 1_000_000, 1, 50],
  );
});

test("what an event may not be is refused by field", () => {
  const codes = ["invalid_argument", "resource_exhausted"];
  const bad: [object, RegExp][] = [
    [{ type: "" }, /type/],
    [{ confidence: 1.1 }, /confidence/],
    [{ confidence: Number.NaN }, /confidence/],
    [{ priority: 101 }, /priority/],
    [{ priority: 1.5 }, /priority/],
    [{ ttlMs: -1 }, /ttlMs/],
    [{ timestampMs: -5 }, /timestampMs/],
    [{ metadata: { a: "x".repeat(4097) } }, /4097 bytes.*4096/],
    [{ metadata: { ["k".repeat(65)]: "" } }, /65 bytes.*64/],
    [{ metadata: Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`k${index}`, ""])) }, /65 pairs.*64/],
  ];
  for (const [init, message] of bad) {
    assert.throws(
      () => Envelope.create({ type: "t", ...init }),
      (error) => LoomError.isInstance(error) && codes.includes(error.code) && message.test(error.message),
    );
  }
});

test("an event is passed on as often as its ttl says", () => {
  const first = received({ ttl: "3" });
  const second = nextHop(first);
  const third = nextHop(second as Envelope);
  assert.deepEqual(second?.metadata, { "loom.hop": "1", "loom.ttl": "2" });
  assert.deepEqual(third?.metadata, { "loom.hop": "2", "loom.ttl": "1" });
  assert.equal(nextHop(third as Envelope), undefined);
  assert.equal(nextHop(received({ "loom.ttl": "1" })), undefined);
  assert.equal(nextHop(received({ ttl: "soon" }))?.metadata["loom.ttl"], "15");
});
