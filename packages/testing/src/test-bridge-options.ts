import { LoomError } from "@loom-bridge/protocol";
import type { BridgeOptions } from "@loom-bridge/server";
import type { Chooser } from "./clock/scheduler.ts";
import type { CodecName } from "./network/codec.ts";

/** A bridge's own options, and those of the world that it lives in: time, chance, links, and what a test must not leave. */
export interface TestBridgeOptions extends BridgeOptions {
  /**
   * `virtual`: time stands still until somebody waits for it, and then it takes no real time. `real`: the time of this
   * process, or of the `runtime` that is given. Default of `testBridge()`: virtual; of `createTestBridge()`: real.
   */
  readonly clock?: "virtual" | "real";
  /**
   * What all randomness comes from: ids, jitter, chance. The same seed makes the same run. Default: the environment
   * variable LOOM_TEST_SEED, else 1, so that a test does the same every time. In real time only faults follow it.
   */
  readonly seed?: number;
  /** When virtual time begins. Default: 2026-01-01T00:00:00Z. */
  readonly start?: Date | string | number;
  /**
   * How many bytes may be under way in each direction of a call. Default: 65 536, the window of an HTTP/2 stream, so
   * that "sent" is not "received" here either.
   */
  readonly windowBytes?: number;
  /**
   * How messages become bytes: `proto`, or the JSON that browsers and `curl` speak, to see that what works in one works
   * in the other. Default: the environment variable LOOM_TEST_CODEC, else `proto`.
   */
  readonly codec?: CodecName;
  /**
   * Whether every message, both ways, has fields that this version does not know, as those of a newer peer do.
   * Default: false.
   */
  readonly futureFields?: boolean;
  /**
   * Whether `close()` fails the test for what was left: agents' streams, timers, subscriptions, answers of fake tools
   * and faults that were not used, calls of tools that nobody has. Default: true in virtual time, false in real time.
   */
  readonly strict?: boolean;
  /** What a call of a tool that nobody has means when the bridge is closed. Default: `error`, if it is strict. */
  readonly onUnfaked?: "error" | "ignore";
  /** Whether events that a probe received and nobody asked for fail the test. Default: `ignore`. */
  readonly undrained?: "error" | "ignore";
  /** Chooses among those who are ready to go on; see `explore`. Default: first come, first served. */
  readonly choose?: Chooser;
}

/** How a bridge is to come back. */
export interface RestartOptions extends BridgeOptions {
  /** Whether it finds its log, its memory and its call results again. Default: false, it remembers nothing. */
  readonly keepStore?: boolean;
}

const defaultStart = "2026-01-01T00:00:00Z";

export function startOf({ start = defaultStart }: TestBridgeOptions): number {
  return new Date(start).getTime();
}

export function seedOf({ seed }: TestBridgeOptions): number {
  return seed ?? Number(process.env["LOOM_TEST_SEED"] ?? 1);
}

export function codecOf({ codec = process.env["LOOM_TEST_CODEC"] ?? "proto" }: { codec?: string }): CodecName {
  if (codec === "proto" || codec === "json") return codec;
  throw new LoomError("invalid_argument", `codec is ${JSON.stringify(codec)}; give "proto" or "json"`, {
    details: { field: "codec" },
  });
}
