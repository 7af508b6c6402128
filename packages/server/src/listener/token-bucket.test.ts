import assert from "node:assert/strict";
import { test } from "node:test";
import { TokenBucket } from "./token-bucket.ts";

test("a budget allows its burst at once, then as much as comes in, and says how long to wait", () => {
  const bucket = new TokenBucket({ perSecond: 10, burst: 3 }, 0);
  assert.deepEqual(
    [1, 1, 1, 1].map((amount) => bucket.spend(amount, 0)),
    [0, 0, 0, 100],
  );
  assert.equal(bucket.spend(0, 100), 0);
  assert.equal(bucket.spend(3, 60_000), 0, "the burst is full again, and no fuller");
  assert.equal(bucket.spend(1, 60_000), 100);
});
