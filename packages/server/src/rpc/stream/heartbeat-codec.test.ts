import assert from "node:assert/strict";
import { test } from "node:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { ClientEventSchema, DeliverySchema, HeartbeatAckSchema, HeartbeatSchema } from "@loom-bridge/protocol/messages";
import { EnvelopeWriter } from "@loom-bridge/protocol/wire";
import fc from "fast-check";
import { readHeartbeat, writeHeartbeatAck } from "./heartbeat-codec.ts";

const time = fc.oneof(fc.constant(0), fc.nat({ max: 300 }), fc.maxSafeNat());

function encode(timestampMs: bigint): Uint8Array {
  return toBinary(
    ClientEventSchema,
    create(ClientEventSchema, { event: { case: "heartbeat", value: { timestampMs } } }),
  );
}

test("a heartbeat is read by hand, and a time that no number holds is left to protobuf-es", () => {
  fc.assert(fc.property(time, (timeMs) => assert.equal(readHeartbeat(encode(BigInt(timeMs))), timeMs)));
  for (const timestampMs of [-1n, -(2n ** 63n), 2n ** 53n, 2n ** 63n - 1n]) {
    assert.equal(readHeartbeat(encode(timestampMs)), undefined);
  }
});

test("what is read of any bytes is what protobuf-es would read, or nothing", () => {
  let read = 0;
  const bytes = fc.oneof(
    // A heartbeat in which some bytes were changed, added or lost.
    fc
      .tuple(time, fc.nat({ max: 12 }), fc.uint8Array({ maxLength: 3 }), fc.nat({ max: 2 }))
      .map(([timeMs, at, added, lost]) => {
        const message = encode(BigInt(timeMs));
        return Buffer.concat([message.subarray(0, at), added, message.subarray(at + lost)]);
      }),
    fc.uint8Array({ maxLength: 5 }).map((content) => Buffer.from([0x1a, content.length, ...content])),
  );
  fc.assert(
    fc.property(bytes, (message) => {
      const timeMs = readHeartbeat(message);
      if (timeMs === undefined) return;
      read += 1;
      const { event } = fromBinary(ClientEventSchema, message);
      assert.ok(event.case === "heartbeat");
      assert.equal(timeMs, Number(event.value.timestampMs));
    }),
    { numRuns: 2000 },
  );
  assert.ok(read > 100, `only ${read} were read`);
});

test("an answer to a heartbeat is written as protobuf-es would", () => {
  fc.assert(
    fc.property(time, time, (timestampMs, bridgeTimestampMs) => {
      const writer = new EnvelopeWriter(1024);
      assert.ok(writeHeartbeatAck(writer, timestampMs, bridgeTimestampMs));
      const value = { timestampMs: BigInt(timestampMs), bridgeTimestampMs: BigInt(bridgeTimestampMs) };
      const wanted = toBinary(DeliverySchema, create(DeliverySchema, { delivery: { case: "heartbeatAck", value } }));
      const written = writer.take();
      assert.deepEqual(Buffer.from(written.subarray(5)), Buffer.from(wanted));
      assert.deepEqual([...written.subarray(0, 5)], [0, 0, 0, 0, wanted.length]);
    }),
  );
});

test("a time before 1970 is left to protobuf-es, and nothing is written", () => {
  const writer = new EnvelopeWriter(1024);
  assert.equal(writeHeartbeatAck(writer, -1, 5), false);
  assert.equal(writer.length, 0);
});

test("the codec knows every field of these messages", () => {
  assert.deepEqual(Object.keys(HeartbeatSchema.field), ["timestampMs"]);
  assert.deepEqual(Object.keys(HeartbeatAckSchema.field), ["timestampMs", "bridgeTimestampMs"]);
});
