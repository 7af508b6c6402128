import type { Lab } from "../harness/lab.ts";
import { atMost, createRow, medianOf, valueOf } from "../report/report.ts";
import type { Spent, WorldsOptions } from "../roles/worlds.ts";
import type { Benchmark } from "./benchmark.ts";

interface WorldsResult {
  readonly empty: Spent;
  readonly talking: Spent;
  /** What all of these have left in the heap. */
  readonly leftKib: number;
  readonly leftHandles: number;
  readonly hour: Spent;
}

const timeoutMs = 120_000;
const label = "testBridge()";

export const worlds: Benchmark = {
  name: "worlds",
  summary: "test worlds of the testing package: to make and drop one, and an hour of one",
  async run(lab) {
    const { smoke } = lab.settings;
    const options: WorldsOptions = smoke ? { worlds: 20, agents: 10 } : { worlds: 1000, agents: 100 };
    const results = await lab.interleave(
      [{ label }],
      () => measure(lab, options),
      ({ empty, hour }) => `${empty.cpuMs.toFixed(2)} CPU ms a world, ${Math.round(hour.cpuMs)} an hour`,
    );
    const rows = [...results].map(([variant, runs]) =>
      createRow(variant.label, runs, {
        empty: ({ empty }) => empty.cpuMs,
        talking: ({ talking }) => talking.cpuMs,
        hour: ({ hour }) => hour.cpuMs,
        emptyWall: ({ empty }) => empty.ms,
        hourWall: ({ hour }) => hour.ms,
        left: ({ leftKib }) => leftKib,
        handles: ({ leftHandles }) => leftHandles,
      }),
    );
    return {
      name: "worlds",
      what:
        `${options.worlds} worlds that nothing happens in, then as many in which one probe publishes to another, made ` +
        `and dropped one after the other with all their checks; then a virtual hour of ${options.agents} agents with a ` +
        "heartbeat every 30 s. What is left is what the heap and the process have more after all of them.",
      columns: [
        { key: "empty", title: "CPU ms an empty world", digits: 2 },
        { key: "talking", title: "CPU ms a talking world", digits: 2 },
        { key: "hour", title: "CPU ms a virtual hour" },
        { key: "emptyWall", title: "ms an empty world", digits: 2 },
        { key: "hourWall", title: "ms a virtual hour" },
        { key: "left", title: "KiB left by all" },
        { key: "handles", title: "handles left" },
      ],
      rows,
      ratios: [
        ...valueOf("CPU ms to make and drop a world", medianOf(rows, label, "empty"), atMost(5), 2),
        ...valueOf(`CPU ms for an hour of ${options.agents} agents`, medianOf(rows, label, "hour"), atMost(1000), 0),
        ...valueOf("handles left", medianOf(rows, label, "handles"), atMost(0), 0),
      ],
      skipped: [],
    };
  },
};

function measure(lab: Lab, options: WorldsOptions): Promise<WorldsResult> {
  return lab.scenario(async (workers) => {
    const worker = await workers.start("worlds", "worlds", options);
    const ask = <Result>(command: string): Promise<Result> => worker.call<Result>(command, undefined, timeoutMs);
    await ask("warm");
    const before = await worker.usageAfterCollection();
    const handles = await ask<number>("handles");
    const empty = await ask<Spent>("empty");
    const talking = await ask<Spent>("talking");
    const after = await worker.usageAfterCollection();
    const leftHandles = (await ask<number>("handles")) - handles;
    const leftKib = ((after.heapBytes ?? 0) - (before.heapBytes ?? 0)) / 1024;
    return { empty, talking, leftKib, leftHandles, hour: await ask<Spent>("hour") };
  });
}
