import { type CallPeerName, loadCalls } from "../peers/peers.ts";
import { percentile } from "../report/statistics.ts";
import type { StartRole } from "../worker/role.ts";
import { runInFlight } from "./in-flight.ts";
import { toolName } from "./provider.ts";

export interface CallerOptions {
  readonly peer: CallPeerName;
  readonly address: string;
}

export interface Load {
  readonly inFlight: number;
  readonly seconds: number;
}

export interface LoadResult {
  readonly done: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Calls the tool, and checks every result. */
export const start: StartRole<CallerOptions> = async ({ peer, address }, { fail }) => {
  const connection = await (await loadCalls(peer))(address, "caller", fail);
  const filler = "x".repeat(110);
  let calls = 0;
  async function call(): Promise<void> {
    calls += 1;
    const text = `${calls} ${filler}`;
    const result = await connection.call(toolName, { text });
    if (result.text !== text) throw new Error(`call ${text} got the result of ${result.text}`);
  }
  // Alone: it opens what the others use.
  await call();
  return {
    commands: {
      async run(argument): Promise<LoadResult> {
        const { durationsMs, seconds } = await runInFlight({ ...(argument as Load), work: call });
        const sorted = durationsMs.sort();
        return {
          done: sorted.length,
          seconds,
          p50Ms: percentile(sorted, 0.5),
          p99Ms: percentile(sorted, 0.99),
        };
      },
    },
    close: () => connection.close(),
  };
};
