import { createRow, medianOf, ratioOf } from "../report/report.ts";
import type { TopicIndexResult } from "../roles/topic-index.ts";
import type { Benchmark } from "./benchmark.ts";

export const topics: Benchmark = {
  name: "topics",
  summary: "one topic against 100 to 1 000 000 filters",
  async run(lab) {
    const sizes = lab.settings.smoke ? [100, 10_000] : [100, 10_000, 1_000_000];
    const variants = sizes.map((filters) => ({ filters, label: labelOf(filters) }));
    const results = await lab.interleave(
      variants,
      ({ filters }) =>
        lab.scenario(async (workers) => {
          const index = await workers.start("index", "topic-index", { filters });
          await index.call("run", lab.settings.warmupSeconds);
          return index.call<TopicIndexResult>("run", lab.settings.seconds, 120_000);
        }),
      ({ nsPerMatch }) => `${Math.round(nsPerMatch)} ns`,
    );
    const rows = [...results].map(([{ label }, runs]) =>
      createRow(label, runs, {
        ns: ({ nsPerMatch }) => nsPerMatch,
        matches: ({ matches }) => matches,
        heap: ({ heapBytesPerFilter }) => heapBytesPerFilter,
      }),
    );
    const ns = (filters: number | undefined) => medianOf(rows, labelOf(filters ?? 0), "ns");
    return {
      name: "topics",
      what:
        "In one process, the index alone: a topic of five segments that two patterns with `**`, one with `*` and one " +
        "exact filter match. Other filters fall under the same patterns. What remains of growth is the processor's cache.",
      columns: [
        { key: "ns", title: "CPU ns a topic" },
        { key: "matches", title: "matches", digits: 1 },
        { key: "heap", title: "heap bytes a filter" },
      ],
      rows,
      ratios: sizes
        .slice(1)
        .flatMap((filters) => ratioOf(`CPU ns a topic, ${labelOf(filters)} ÷ ${labelOf(100)}`, ns(filters), ns(100))),
      skipped: [],
    };
  },
};

function labelOf(filters: number): string {
  return `${filters.toLocaleString("en").replaceAll(",", "\u202f")} filters`;
}
