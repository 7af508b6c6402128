import assert from "node:assert/strict";
import { test } from "node:test";
import { planHash } from "./plan-hash.ts";

test("a plan's hash is the one that other clients compute", () => {
  assert.equal(planHash("BTC", "BUY", "x"), "86b44d60");
  assert.equal(planHash("BTC", "BUY", "Bullish ↑"), "61594393");
});
