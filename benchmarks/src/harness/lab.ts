import { setTimeout } from "node:timers/promises";
import type { PeerName } from "../peers/peers.ts";
import type { Snapshot } from "./snapshot.ts";
import { Workers } from "./workers.ts";

/** How a benchmark is to run. */
export interface Settings {
  /** Rounds; in each, every variant runs once. */
  readonly runs: number;
  /** What is measured of each run, in seconds. */
  readonly seconds: number;
  /** What is not, before it. */
  readonly warmupSeconds: number;
  /** Small sizes, to see that everything works. */
  readonly smoke: boolean;
  readonly peers: ReadonlySet<PeerName>;
  /** Where CPU profiles go. Default: none are made. */
  readonly profileFolder: string | undefined;
}

/** Where benchmarks run. */
export interface Lab {
  readonly settings: Settings;
  readonly snapshot: Snapshot;
  /** Tells what goes on. */
  readonly say: (line: string) => void;
  /** Waits while the workers work. Rejects when the benchmark is stopped. */
  pause(durationMs: number): Promise<void>;
  /** Runs a scenario, and ends its processes. */
  scenario<Result>(run: (workers: Workers) => Promise<Result>): Promise<Result>;
  /** Runs all variants one after the other, and that several times: a slow minute of the host falls on all alike. */
  interleave<Variant extends { readonly label: string }, Result>(
    variants: readonly Variant[],
    run: (variant: Variant) => Promise<Result>,
    tell: (result: Result) => string,
  ): Promise<Map<Variant, Result[]>>;
}

export function createLab(options: Pick<Lab, "settings" | "snapshot" | "say"> & { signal: AbortSignal }): Lab {
  const { settings, snapshot, say, signal } = options;
  return {
    settings,
    snapshot,
    say,
    pause: (durationMs) => setTimeout(durationMs, undefined, { signal }),
    async scenario(run) {
      const workers = new Workers(snapshot, signal);
      try {
        return await run(workers);
      } finally {
        await workers.close();
      }
    },
    async interleave(variants, run, tell) {
      const results = new Map(variants.map((variant) => [variant, [] as Awaited<ReturnType<typeof run>>[]]));
      for (let round = 1; round <= settings.runs; round += 1) {
        for (const variant of variants) {
          signal.throwIfAborted();
          const result = await run(variant);
          results.get(variant)?.push(result);
          say(`  ${round}/${settings.runs} ${variant.label}: ${tell(result)}`);
        }
      }
      return results;
    },
  };
}
