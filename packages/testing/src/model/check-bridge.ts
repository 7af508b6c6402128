import { createClient } from "@connectrpc/connect";
import { BridgeService } from "@loom-bridge/protocol/messages";
import fc from "fast-check";
import { BridgeModel } from "./bridge-model.ts";
import type { BridgeTarget } from "./bridge-target.ts";
import { BrokenPromise, expectKept } from "./broken-promise.ts";
import type { BridgeCommand, Real } from "./command.ts";
import { fillAQueue, publish } from "./event-commands.ts";
import { savePlanTogether } from "./memory-commands.ts";
import { connect, leave, restart, sayNothing } from "./session-commands.ts";
import { recordOf, type SessionRecord } from "./session-record.ts";
import { type CallOutcome, callNobody, callTogether, callTool, callUnary } from "./tool-commands.ts";
import type { WireSession } from "./wire-session.ts";

/** Which bridge is held to the model, and for how long. */
export interface CheckOptions {
  /** Makes a bridge for each run, or gives the same one again. */
  readonly createTarget: () => Promise<BridgeTarget> | BridgeTarget;
  /** How many sequences of commands to try. Default: 50. */
  readonly runs?: number;
  /** Default: 1. */
  readonly seed?: number;
  /** How long a sequence may be. Default: 40. */
  readonly maxCommands?: number;
  /** Whether to look for the shortest sequence that fails. Default: true. */
  readonly shrink?: boolean;
  /** Told of each run that kept every promise, and what its sessions heard. */
  readonly onRun?: (run: number, heard: SessionRecord[]) => void;
}

/** What a check came to. */
export interface CheckReport {
  readonly seed: number;
  readonly runs: number;
  /** Absent: every promise was kept. */
  readonly broken?: {
    readonly promise: string;
    readonly message: string;
    /** The shortest sequence that breaks it, one command a line. */
    readonly commands: readonly string[];
    /** The run in which it was found, counted from 1. */
    readonly run: number;
    readonly cause: unknown;
  };
}

const agents = 4;
const topics = ["a", "a.b", "c"] as const;
const filters = ["a", "a.*", "a.**", "c", "**"] as const;
const tools = ["tool:x", "tool:y"] as const;
const outcomes: readonly CallOutcome[] = [
  "answer",
  "fail",
  "stranger",
  "nothing",
  "confused",
  "silence",
  "cancel",
  "leave",
];

/** Everything that can be done to a bridge, as fast-check makes it up. */
export function bridgeCommands(): fc.Arbitrary<BridgeCommand>[] {
  const agent = fc.nat({ max: agents - 1 });
  const claims = fc.option(fc.constantFrom("agent-0", "the-bridge"), { nil: undefined });
  const tool = fc.constantFrom(...tools);
  const connecting = fc.tuple(agent, fc.subarray([...filters], { maxLength: 3 }), fc.subarray([...tools]));
  return [
    // What others build on is wanted more often.
    connecting.map((parts) => connect(...parts)),
    connecting.map((parts) => connect(...parts)),
    connecting.map((parts) => connect(...parts)),
    fc.tuple(agent, fc.constantFrom(...topics), claims).map((parts) => publish(...parts)),
    fc.tuple(agent, fc.constantFrom(...topics), claims).map((parts) => publish(...parts)),
    fc.tuple(agent, tool, fc.constantFrom(...outcomes)).map((parts) => callTool(...parts)),
    fc.tuple(agent, tool, fc.constantFrom(...outcomes)).map((parts) => callTool(...parts)),
    fc.tuple(agent, tool, fc.constantFrom(...outcomes)).map((parts) => callTool(...parts)),
    fc.tuple(agent, tool, fc.constantFrom(...outcomes)).map((parts) => callTool(...parts)),
    fc.tuple(fc.tuple(agent, agent), tool).map((parts) => callTogether(...parts)),
    agent.map(callNobody),
    tool.map(callUnary),
    fc.tuple(agent, fc.boolean()).map((parts) => leave(...parts)),
    fc.integer({ min: 2, max: 5 }).map(savePlanTogether),
    fc.constant(restart()),
    fc.constant(sayNothing()),
    agent.map(fillAQueue),
  ];
}

/**
 * Does what comes to fast-check's mind to a bridge, and holds it to the reference model after each command. A failure is
 * reported with the shortest sequence of commands that brings it about.
 */
export async function checkBridge(options: CheckOptions): Promise<CheckReport> {
  const { createTarget, runs = 50, seed = 1, maxCommands = 40, shrink = true, onRun } = options;
  let run = 0;
  let foundIn: number | undefined;
  let commands: readonly string[] = [];
  const property = fc.asyncProperty(fc.commands(bridgeCommands(), { maxCommands, size: "max" }), async (given) => {
    run += 1;
    const done: string[] = [];
    try {
      const heard = await runOnce(await createTarget(), given, done);
      if (foundIn === undefined) onRun?.(run, heard);
    } catch (error) {
      foundIn ??= run;
      // The first failure, then each smaller one.
      commands = done;
      throw error;
    }
  });
  const details = await fc.check(property, { numRuns: runs, seed, endOnFailure: !shrink });
  if (!details.failed) return { seed, runs: details.numRuns };
  const { errorInstance: cause } = details;
  const promise = cause instanceof BrokenPromise ? cause.promise : "none";
  const message = cause instanceof Error ? cause.message : String(cause);
  return { seed, runs: details.numRuns, broken: { promise, message, commands, run: foundIn ?? run, cause } };
}

async function runOnce(
  target: BridgeTarget,
  commands: Iterable<BridgeCommand>,
  done: string[],
): Promise<SessionRecord[]> {
  const sessions = new Map<number, WireSession>();
  const real: Real = { target, sessions, opened: [], done };
  try {
    await fc.asyncModelRun(() => ({ model: new BridgeModel(), real }), commands);
    for (const session of sessions.values()) session.say({ case: "goodbye", value: {} });
    await target.until(() => [...sessions.values()].every(({ ended }) => ended !== undefined));
    await mustHoldNothing(target);
    return real.opened.map(recordOf);
  } finally {
    for (const session of sessions.values()) session.cut();
    await target.close();
  }
}

/** Agents that have left leave nothing behind. */
async function mustHoldNothing(target: BridgeTarget): Promise<void> {
  const client = createClient(BridgeService, target.transport("auditor"));
  let held = "";
  for (let attempt = 0; attempt < 20; attempt += 1) {
    if (attempt > 0) await target.until(() => false, 50);
    const [info, { total }] = await target.run(Promise.all([client.getInfo({}), client.getStats({})]));
    held = `${info.agents} agents, ${info.tools} tools, ${total?.activeSubscriptions ?? 0} subscriptions, ${total?.backlog ?? 0} events`;
    if (held === "0 agents, 0 tools, 0 subscriptions, 0 events") return;
  }
  expectKept(false, "P15", `everybody has left, and the bridge still holds ${held}`);
}
