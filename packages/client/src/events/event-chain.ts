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
  /** Who did what, oldest first. */
  readonly path?: readonly string[];
}

export function fromChain({ hops, remainingMs, budget, path }: Chain): EventChain {
  return {
    hops,
    path,
    ...(remainingMs > 0n ? { remainingMs: Number(remainingMs) } : {}),
    ...(budget > 0 ? { budget } : {}),
  };
}

export function toChain({ hops = 0, remainingMs = 0, budget = 0, path = [] }: EventChain): Chain {
  return create(ChainSchema, { hops, remainingMs: BigInt(Math.ceil(remainingMs)), budget, path: [...path] });
}

/** The chain as it is after some time: its own has run on, and 0 would mean that it has no limit. */
export function chainAfter(chain: EventChain | undefined, elapsedMs: number): EventChain | undefined {
  if (chain?.remainingMs === undefined) return chain;
  return { ...chain, remainingMs: Math.max(1, chain.remainingMs - elapsedMs) };
}
