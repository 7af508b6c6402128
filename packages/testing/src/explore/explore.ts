import fc from "fast-check";
import { openTestBridge } from "../bridge-run.ts";
import type { TopicPayloads } from "../probes/match.ts";
import type { TestBridge } from "../test-bridge.ts";
import { seedOf, type TestBridgeOptions } from "../test-bridge-options.ts";
import { WorldError } from "../world-error.ts";
import { createScheduleChooser, formatSchedule, parseSchedule, type Schedule } from "./schedule.ts";

/** How many other orders are tried, from which seed, and in which kind of world. */
export interface ExploreOptions {
  /** How many orders of events to try, besides the plain one. Default: 100. */
  readonly runs?: number;
  /** Which orders are tried. Default: as of a test bridge. */
  readonly seed?: number;
  /** In how many points an order may differ from "first come, first served". Default: 8: most races need one or two. */
  readonly maxSwitches?: number;
  /** Tries this order only, as a failure has printed it. Default: the environment variable LOOM_TEST_SCHEDULE. */
  readonly schedule?: string;
  /** Of the bridges, one for each order. */
  readonly bridge?: Omit<TestBridgeOptions, "choose" | "clock">;
}

/** How much was tried. */
export interface Explored {
  /** How many orders were tried. */
  readonly runs: number;
  /** How many choices the plain order had. */
  readonly choices: number;
}

/**
 * Runs a scenario again and again, each time on a bridge of its own whose agents, links and timers take turns in
 * another order that could have been. What fails is made as small as it gets, and printed as a test that repeats it.
 * @throws WorldError with the smallest order that fails; its `cause` is what the scenario threw.
 */
export async function explore<Topics extends TopicPayloads = TopicPayloads>(
  options: ExploreOptions,
  scenario: (bridge: TestBridge<Topics>) => Promise<unknown>,
): Promise<Explored> {
  const { runs = 100, maxSwitches = 8, bridge = {} } = options;
  const seed = options.seed ?? seedOf(bridge);
  const given = options.schedule ?? process.env["LOOM_TEST_SCHEDULE"];

  const attempt = async (schedule: Schedule): Promise<{ choices: number; used: Schedule; error?: unknown }> => {
    const chooser = createScheduleChooser(schedule);
    const run = openTestBridge<Topics>({ seed, ...bridge, choose: chooser.choose });
    try {
      await scenario(run.bridge);
      await run.bridge.close();
      return { choices: chooser.choices, used: chooser.used };
    } catch (error) {
      await run.abandon();
      return { choices: chooser.choices, used: chooser.used, error };
    }
  };
  const failed = (schedule: Schedule, cause: unknown): WorldError => {
    const text = formatSchedule(schedule);
    const reason = cause instanceof Error ? cause.message : String(cause);
    const how = schedule.length === 0 ? "in the plain order" : `when ${schedule.length} turns are taken otherwise`;
    const repeat = `await explore({ seed: ${seed}, schedule: ${JSON.stringify(text)} }, scenario);`;
    const story = `repeat it in a test: ${repeat}\nor from outside: LOOM_TEST_SEED=${seed} LOOM_TEST_SCHEDULE=${JSON.stringify(text)}`;
    return new WorldError("expectation", `the scenario fails ${how}: ${reason}`, story, { cause });
  };

  const first = given === undefined ? [] : parseSchedule(given);
  const plain = await attempt(first);
  if ("error" in plain) throw failed(plain.used, plain.error);
  if (given !== undefined || runs === 0 || plain.choices === 0) return { runs: 1, choices: plain.choices };

  let smallest: { used: Schedule; error: unknown } | undefined;
  const point = fc.tuple(fc.nat({ max: Math.ceil(plain.choices * 1.2) }), fc.integer({ min: 1, max: 6 }));
  const schedules = fc.uniqueArray(point, { minLength: 1, maxLength: maxSwitches, selector: ([choice]) => choice });
  const property = fc.asyncProperty(schedules, async (schedule) => {
    const result = await attempt(schedule);
    if (!("error" in result)) return true;
    // The first failure, then each smaller one.
    smallest = { used: result.used, error: result.error };
    return false;
  });
  const { numRuns } = await fc.check(property, { numRuns: runs, seed });
  if (smallest !== undefined) throw failed(smallest.used, smallest.error);
  return { runs: numRuns + 1, choices: plain.choices };
}
