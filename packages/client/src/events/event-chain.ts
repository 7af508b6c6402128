import { create } from "@bufbuild/protobuf";
import { type Chain, ChainSchema } from "@loom-bridge/protocol/messages";

/** What led to an event or a call, and how much further it may lead. The bridge counts; who acts on it passes it on. */
export interface EventChain {
  /** Events and calls so far. The bridge refuses the 33rd. */
  readonly hops?: number;
  /** What is left of the time that the whole chain has, in milliseconds. Default: no limit. */
  readonly remainingMs?: number;
  /** How many more events and calls the chain may make. Default: no limit but that of hops. */
  readonly budget?: number;
  /** The budget is used up: nothing may follow. Written by the bridge. */
  readonly spent?: boolean;
  /** Who did what, oldest first. */
  readonly path?: readonly string[];
}

export function fromChain({ hops, remainingMs, budget, spent, path }: Chain): EventChain {
  return {
    hops,
    path,
    spent,
    ...(remainingMs > 0n ? { remainingMs: Number(remainingMs) } : {}),
    ...(budget > 0 ? { budget } : {}),
  };
}

export function toChain({ hops = 0, remainingMs = 0, budget = 0, spent = false, path = [] }: EventChain): Chain {
  return create(ChainSchema, { hops, remainingMs: BigInt(Math.ceil(remainingMs)), budget, spent, path: [...path] });
}

/** The chain as it is after some time: its own has run on, and 0 would mean that it has no limit. */
export function chainAfter(chain: EventChain, elapsedMs: number): EventChain {
  if (chain.remainingMs === undefined) return chain;
  return { ...chain, remainingMs: Math.max(1, chain.remainingMs - elapsedMs) };
}
