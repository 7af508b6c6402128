import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { percentile, spreadOf } from "./statistics.ts";

describe("percentile", () => {
  it("is the number that the given part does not exceed", () => {
    const sorted = Array.from({ length: 200 }, (_, index) => index + 1);
    assert.equal(percentile(sorted, 0.5), 100);
    assert.equal(percentile(sorted, 0.99), 198);
    assert.equal(percentile([7], 0.5), 7);
  });

  it("of nothing is NaN", () => {
    assert.ok(Number.isNaN(percentile([], 0.5)));
  });
});

describe("spreadOf", () => {
  it("has the median of an odd and of an even number of runs, whatever their order", () => {
    assert.deepEqual(spreadOf([5, 1, 3]), { median: 3, min: 1, max: 5 });
    assert.deepEqual(spreadOf([10, 2, 4, 1]), { median: 3, min: 1, max: 10 });
  });
});
