import assert from "node:assert/strict";
import { it } from "node:test";
import { planHash } from "./plan-hash.ts";

const plan = { symbol: "BTC", action: "BUY", reasoning: "Bullish ↑" };

it("names equal plans alike, in every process, by 16 hexadecimal digits", () => {
  // Computed with: printf '3:BTC3:BUY11:Bullish ↑' | sha256sum
  assert.equal(planHash(plan), "c4f079172606f6ca");
  assert.equal(planHash({ ...plan }), planHash(plan));
});

it("names plans apart that differ in symbol, action or reasoning", () => {
  const others = [
    { ...plan, symbol: "ETH" },
    { ...plan, action: "SELL" },
    { ...plan, reasoning: "" },
  ];
  assert.equal(new Set([plan, ...others].map(planHash)).size, 4);
});

it("does not mistake a separator inside a part for the border of two parts", () => {
  const one = planHash({ symbol: "A", action: "B|C", reasoning: "" });
  assert.notEqual(one, planHash({ symbol: "A|B", action: "C", reasoning: "" }));
  assert.notEqual(
    planHash({ symbol: "1:A", action: "", reasoning: "" }),
    planHash({ symbol: "", action: "1:A", reasoning: "" }),
  );
});
