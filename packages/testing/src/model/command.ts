import type { AsyncCommand } from "fast-check";
import type { BridgeModel, RealBridge } from "./bridge-model.ts";
import type { BridgeTarget } from "./bridge-target.ts";
import { expectKept } from "./broken-promise.ts";
import type { WireSession } from "./wire-session.ts";

/** The bridge that is judged, as commands see it. */
export type Real = RealBridge<BridgeTarget, WireSession>;

/** One thing that can be done to a bridge, and what must follow. */
export type BridgeCommand = AsyncCommand<BridgeModel, Real>;

/** A command of a name, for the reports. */
export function command(
  name: string,
  isPossible: (model: BridgeModel) => boolean,
  run: (model: BridgeModel, real: Real) => Promise<void>,
): BridgeCommand {
  return {
    check: isPossible,
    run(model, real) {
      real.done.push(name);
      return run(model, real);
    },
    toString: () => name,
  };
}

export function sessionOf({ sessions }: Real, agent: number): WireSession {
  const session = sessions.get(agent);
  if (session === undefined) throw new Error(`agent ${agent} of the model has no session`);
  return session;
}

/** @throws BrokenPromise when it does not become true in time. */
export async function mustBecome(
  { target }: Real,
  isTrue: () => boolean,
  promise: string,
  message: string,
  withinMs?: number,
): Promise<void> {
  expectKept(await target.until(isTrue, withinMs), promise, message);
}

export const idOf = (agent: number): string => `agent-${agent}`;
