import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { renderReport } from "./render.ts";
import { atLeast, atMost, createRow, type Report, ratioOf, valueOf } from "./report.ts";

const rows = [
  createRow("ours", [{ rate: 1000 }, { rate: 3000 }, { rate: 2000 }], { rate: ({ rate }) => rate }),
  createRow("theirs", [{ rate: 500 }], { rate: ({ rate }) => rate, heap: () => undefined }),
];
const report: Report = {
  name: "rates",
  what: "How fast.",
  columns: [
    { key: "rate", title: "events/s" },
    { key: "heap", title: "heap", digits: 1 },
  ],
  rows,
  ratios: [
    ...ratioOf("ours ÷ theirs", 2000, 500, atLeast(5)),
    ...ratioOf("ours ÷ nobody's", 2000, undefined, atLeast(1)),
    ...valueOf("p99 in ms", 4, atMost(5)),
    ...ratioOf("for interest", 1, 2),
  ],
  skipped: ["a peer, because it is not there"],
};

describe("a rendered report", () => {
  const lines = renderReport(report)
    .split("\n")
    .map((line) => line.replaceAll(/ +/g, " "));

  it("shows the median with least and most, one run alone, and a dash for what was not measured", () => {
    assert.ok(lines.includes("| ours | 2\u202f000 (1\u202f000–3\u202f000) | – |"), lines.join("\n"));
    assert.ok(lines.includes("| theirs | 500 | – |"), lines.join("\n"));
  });

  it("shows each ratio with its target, and whether it is met", () => {
    assert.ok(lines.includes("| ours ÷ theirs | 4.00 | ≥ 5 | not met |"), lines.join("\n"));
    assert.ok(lines.includes("| p99 in ms | 4.0 | ≤ 5 | met |"), lines.join("\n"));
    assert.ok(lines.includes("| for interest | 0.50 | | |"), lines.join("\n"));
  });

  it("leaves out a ratio to a peer that did not run, and says who was skipped", () => {
    assert.ok(!lines.some((line) => line.includes("nobody's")));
    assert.ok(lines.includes("Skipped: a peer, because it is not there."), lines.join("\n"));
  });
});
