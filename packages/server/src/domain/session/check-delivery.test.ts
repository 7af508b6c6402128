import assert from "node:assert/strict";
import { test } from "node:test";
import type { SubscriptionRequest } from "../bus/subscription-request.ts";
import { checkDelivery } from "./check-delivery.ts";

const plain: SubscriptionRequest = { id: 1, filters: ["a"], eventTypes: [], quality: "batched", window: 1 };

const refused: [what: string, request: Partial<SubscriptionRequest>, message: RegExp][] = [
  ["at least once without a window", { atLeastOnce: true, window: 0 }, /window is 0/],
  ["at least once with a window of 65 537", { atLeastOnce: true, window: 65_537 }, /window is 65537; .* at most 65536/],
  ["a durable one with such a window", { durable: "d", window: 65_537 }, /at most 65536/],
  ["a group with a space", { group: "a b" }, /group is "a b"; 1 to 128 bytes of/],
  ["a durable name of 129 bytes", { durable: "x".repeat(129) }, /durable is "x+"; 1 to 128 bytes/],
  ["a settle timeout of 99 ms", { settleTimeoutMs: 99 }, /settle_timeout_ms is 99; at least 100/],
  ["one of more than 12 hours", { settleTimeoutMs: 43_200_001 }, /at most 43200000/],
  ["101 attempts", { maxAttempts: 101 }, /max_attempts is 101; at most 100/],
  ["a start before 1970", { start: { kind: "since", timeMs: -1, logId: "" } }, /start\.since_ms is -1/],
];
for (const [what, request, message] of refused) {
  test(`${what} is refused`, () => {
    assert.throws(() => checkDelivery({ ...plain, ...request }, []), { code: "invalid_argument", message });
  });
}

test("a durable name is one subscription's, a group's another's", () => {
  const durable = { ...plain, durable: "d" };
  assert.throws(() => checkDelivery(durable, [{ ...durable, id: 2 }]), /durable d is used twice/);
  checkDelivery({ ...durable, group: "g" }, [{ ...durable, id: 2 }]);
});

test("everything at its limits is taken", () => {
  checkDelivery({ ...plain, window: 65_536, atLeastOnce: true, settleTimeoutMs: 100, maxAttempts: 100 }, []);
  checkDelivery({ ...plain, window: 4_000_000_000 }, []);
});
