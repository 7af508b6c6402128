import assert from "node:assert/strict";
import { test } from "node:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { ClientEventSchema, EventSettleSchema, SettlementSchema, Verdict } from "@loom-bridge/protocol/messages";
import fc from "fast-check";
import { readAcknowledged } from "./acknowledged-reader.ts";

interface Settled {
  sequence: bigint;
  verdict: Verdict;
  delayMs: number;
  reason: string;
}

const sequence = fc.oneof(fc.nat({ max: 300 }), fc.maxSafeNat()).filter((number) => number > 0);
const subscription = fc.integer({ min: 1, max: 2 ** 32 - 1 });

function encode(id: number, settlements: Settled[]): Uint8Array {
  const value = { subscription: id, settlements };
  return toBinary(ClientEventSchema, create(ClientEventSchema, { event: { case: "eventSettle", value } }));
}

function acknowledge(numbers: readonly (number | bigint)[]): Settled[] {
  return numbers.map((number) => ({ sequence: BigInt(number), verdict: Verdict.ACKNOWLEDGE, delayMs: 0, reason: "" }));
}

test("acknowledgements are read by hand", () => {
  fc.assert(
    fc.property(subscription, fc.array(sequence, { minLength: 1 }), (id, sequences) => {
      assert.deepEqual(readAcknowledged(encode(id, acknowledge(sequences))), { subscription: id, sequences });
    }),
  );
});

test("other verdicts, numbers that are none, and more than 4096 are left to protobuf-es", () => {
  const [one] = acknowledge([1]) as [Settled];
  const others: Settled[] = [
    { ...one, verdict: Verdict.RETRY },
    { ...one, verdict: Verdict.WORKING },
    { ...one, delayMs: 5 },
    { ...one, reason: "because" },
    { ...one, sequence: 0n },
    { ...one, sequence: 2n ** 53n },
  ];
  for (const other of others) assert.equal(readAcknowledged(encode(1, [one, other])), undefined);
  const many = Array.from({ length: 4097 }, (_, index) => index + 1);
  assert.equal(readAcknowledged(encode(1, acknowledge(many.slice(1))))?.sequences.length, 4096);
  assert.equal(readAcknowledged(encode(1, acknowledge(many))), undefined);
});

test("what is read of any bytes is what protobuf-es would read, or nothing", () => {
  let read = 0;
  const bytes = fc.oneof(
    // Settlements in which some bytes were changed, added or lost.
    fc
      .tuple(
        fc.array(sequence, { maxLength: 3 }),
        fc.nat({ max: 20 }),
        fc.uint8Array({ maxLength: 3 }),
        fc.nat({ max: 2 }),
      )
      .map(([sequences, at, added, lost]) => {
        const message = encode(1, acknowledge(sequences));
        return Buffer.concat([message.subarray(0, at), added, message.subarray(at + lost)]);
      }),
    fc.uint8Array({ maxLength: 12 }).map((content) => Buffer.from([0x62, content.length, ...content])),
  );
  fc.assert(
    fc.property(bytes, (message) => {
      const acknowledged = readAcknowledged(message);
      if (acknowledged === undefined) return;
      read += 1;
      const { event } = fromBinary(ClientEventSchema, message);
      assert.ok(event.case === "eventSettle");
      assert.equal(acknowledged.subscription, event.value.subscription);
      assert.deepEqual(
        acknowledged.sequences,
        event.value.settlements.map((settlement) => Number(settlement.sequence)),
      );
      assert.ok(event.value.settlements.every(({ verdict }) => verdict === Verdict.ACKNOWLEDGE));
    }),
    { numRuns: 2000 },
  );
  assert.ok(read > 100, `only ${read} were read`);
});

test("the reader knows every field of these messages", () => {
  assert.deepEqual(Object.keys(EventSettleSchema.field), ["subscription", "settlements"]);
  assert.deepEqual(Object.keys(SettlementSchema.field), ["sequence", "verdict", "delayMs", "reason"]);
});
