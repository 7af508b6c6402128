import { copyFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Lab } from "../harness/lab.ts";
import { profileWorkers } from "../harness/profile-workers.ts";
import { atLeast, atMost, createRow, medianOf, ratioOf, valueOf } from "../report/report.ts";
import type { LoadResult } from "../roles/caller.ts";
import type { MemoryCallerOptions, MemoryLoad } from "../roles/memory-caller.ts";
import type { PlanLoaderOptions } from "../roles/plan-loader.ts";
import type { StoredPlans } from "../roles/plans.ts";
import type { ServerReady } from "../roles/server.ts";
import type { Benchmark } from "./benchmark.ts";

const inFlight = 64;
const plansPerSession = 10_000;
const loadTimeoutMs = 600_000;

interface Variant extends StoredPlans {
  readonly label: string;
  readonly path: "bridge" | "store";
}

interface MemoryResult {
  readonly save: LoadResult;
  readonly check: LoadResult;
  /** Of the process that has the store, for each call. */
  readonly saveCpuUs: number;
  readonly checkCpuUs: number;
}

export const memory: Benchmark = {
  name: "memory",
  summary: "durable SavePlan and CheckDuplicate, 64 in flight, at 100 to 1 000 000 plans",
  async run(lab) {
    const sizes = lab.settings.smoke ? [100, 1000] : [100, 10_000, 1_000_000];
    const variants = sizes.flatMap((plans): Variant[] =>
      (lab.settings.smoke ? (["bridge"] as const) : (["bridge", "store"] as const)).map((path) => ({
        path,
        plans,
        sessions: Math.ceil(plans / plansPerSession),
        label: labelOf(path, plans),
      })),
    );
    for (const plans of sizes) await load(lab, { plans, sessions: Math.ceil(plans / plansPerSession) });
    const results = await lab.interleave(
      variants,
      (variant) => runMemory(lab, variant),
      ({ save, check }) => `${perSecond(save)} saves/s, ${perSecond(check)} checks/s`,
    );
    const rows = [...results].map(([{ label }, runs]) =>
      createRow(label, runs, {
        saves: ({ save }) => perSecond(save),
        saveP99: ({ save }) => save.p99Ms,
        saveCpu: ({ saveCpuUs }) => saveCpuUs,
        checks: ({ check }) => perSecond(check),
        checkCpu: ({ checkCpuUs }) => checkCpuUs,
        checkP50: ({ check }) => check.p50Ms,
        checkP99: ({ check }) => check.p99Ms,
      }),
    );
    const of = (path: Variant["path"], plans: number | undefined, key: string) =>
      medianOf(rows, labelOf(path, plans ?? 0), key);
    const [fewest, middle, most] = [sizes[0], sizes[1], sizes.at(-1)];
    return {
      name: "memory",
      what:
        "Unary calls on one connection, 64 in flight, to a bridge with an SQLite file; an answered save is on the disk. " +
        "Straight: the same store in the caller's process. Sessions have 10 000 plans at most when a run begins. " +
        "The checks find no duplicate. CPU is that of the bridge, or of the caller that has the store.",
      columns: [
        { key: "saves", title: "saves/s" },
        { key: "saveP99", title: "p99 ms", digits: 1 },
        { key: "saveCpu", title: "CPU µs a save", digits: 1 },
        { key: "checks", title: "checks/s" },
        { key: "checkCpu", title: "CPU µs a check", digits: 1 },
        { key: "checkP50", title: "p50 ms", digits: 2 },
        { key: "checkP99", title: "p99 ms", digits: 2 },
      ],
      rows,
      ratios: [
        ...valueOf(`durable saves/s at ${middle} plans`, of("bridge", middle, "saves"), atLeast(5000), 0),
        ...ratioOf(
          `CPU a CheckDuplicate, ${most} ÷ ${fewest} plans`,
          of("bridge", most, "checkCpu"),
          of("bridge", fewest, "checkCpu"),
          atMost(1.2),
        ),
        ...ratioOf(
          `CPU a straight CheckDuplicate, ${most} ÷ ${fewest} plans`,
          of("store", most, "checkCpu"),
          of("store", fewest, "checkCpu"),
        ),
      ],
      skipped: [],
    };
  },
};

function labelOf(path: Variant["path"], plans: number): string {
  return `${plans.toLocaleString("en").replaceAll(",", "\u202f")} plans${path === "store" ? ", straight" : ""}`;
}

function fileOf(lab: Lab, name: string): string {
  return join(lab.snapshot.folder, `${name}.db`);
}

function load(lab: Lab, stored: StoredPlans): Promise<void> {
  return lab.scenario(async (workers) => {
    const startedMs = performance.now();
    const options: PlanLoaderOptions = { ...stored, dataFile: fileOf(lab, `plans-${stored.plans}`) };
    await workers.start("loader", "plan-loader", options, loadTimeoutMs);
    lab.say(`  loaded ${stored.plans} plans in ${((performance.now() - startedMs) / 1000).toFixed(1)} s`);
  });
}

async function runMemory(lab: Lab, variant: Variant): Promise<MemoryResult> {
  const { seconds, warmupSeconds } = lab.settings;
  const { plans, sessions } = variant;
  const dataFile = fileOf(lab, "run");
  copyFileSync(fileOf(lab, `plans-${plans}`), dataFile);
  try {
    return await lab.scenario(async (workers) => {
      const bridge =
        variant.path === "bridge"
          ? await workers.start("bridge", "server", { peer: "loom", options: { dataFile } })
          : undefined;
      const where = bridge === undefined ? { dataFile } : { address: (bridge.ready as ServerReady).address };
      const options: MemoryCallerOptions = { plans, sessions, ...where };
      const caller = await workers.start("caller", "memory-caller", options);
      const run = (call: MemoryLoad["call"], runSeconds: number): Promise<LoadResult> => {
        const wanted: MemoryLoad = { call, inFlight, seconds: runSeconds };
        return caller.call("run", wanted, runSeconds * 1000 + 60_000);
      };
      const owner = bridge ?? caller;
      const measure = async (call: MemoryLoad["call"]): Promise<{ result: LoadResult; cpuUs: number }> => {
        await run(call, warmupSeconds);
        const before = await owner.usage();
        const profile = bridge === undefined ? undefined : `memory-${call}-${plans}`;
        const all = bridge === undefined ? [caller] : [caller, bridge];
        const result = await profileWorkers(lab, profile, all, () => run(call, seconds));
        const after = await owner.usage();
        return { result, cpuUs: ((after.cpuMs - before.cpuMs) * 1000) / result.done };
      };
      const { result: check, cpuUs: checkCpuUs } = await measure("check");
      const { result: save, cpuUs: saveCpuUs } = await measure("save");
      return { save, check, saveCpuUs, checkCpuUs };
    });
  } finally {
    for (const suffix of ["", "-wal", "-shm"]) rmSync(dataFile + suffix, { force: true });
  }
}

function perSecond({ done, seconds }: LoadResult): number {
  return Math.round(done / seconds);
}
