import assert from "node:assert/strict";
import { test } from "node:test";
import { type Chain, extendChain, maxHops } from "./chain.ts";

const begun: Chain = { hops: 0, remainingMs: 0, budget: 0, spent: false, path: [] };

test("what has no chain gets none", () => {
  assert.equal(extendChain(undefined, "a > t"), undefined);
});

test("a chain counts its steps and refuses the 33rd with the path", () => {
  let chain: Chain | undefined = begun;
  for (let hop = 1; hop <= maxHops; hop += 1) chain = extendChain(chain, `a > t.${hop}`);
  assert.deepEqual([chain?.hops, chain?.path.length, chain?.path[0]], [32, 32, "a > t.1"]);
  assert.throws(() => extendChain(chain, "b > last"), {
    code: "failed_precondition",
    message: /a > t\.2 → .*a > t\.32 → b > last ends here: its last step would be number 33; a chain has at most 32/,
  });
});

test("a budget of two allows two steps", () => {
  const second = extendChain(extendChain({ ...begun, budget: 2 }, "a > 1"), "b > 2");
  assert.deepEqual([second?.budget, second?.spent], [0, true]);
  assert.throws(() => extendChain(second, "c > 3"), /a > 1 → b > 2 → c > 3 .*budget was used up/);
});

test("a chain whose time is over ends, and one without a limit of time does not", () => {
  assert.throws(() => extendChain({ ...begun, remainingMs: -1 }, "a > 1"), /time was over/);
  assert.equal(extendChain(begun, "a > 1")?.remainingMs, 0);
});

test("a path is bounded, whatever a client sends", () => {
  const long = { ...begun, path: Array.from({ length: 1000 }, () => "x".repeat(1000)) };
  const path = extendChain(long, "a > 1")?.path ?? [];
  assert.equal(path.length, maxHops);
  assert.ok(path.every((step) => step.length <= 400));
});
