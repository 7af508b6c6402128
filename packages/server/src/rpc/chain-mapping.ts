import { create } from "@bufbuild/protobuf";
import { type Chain as ChainMessage, ChainSchema } from "@loom-bridge/protocol/messages";
import type { Chain } from "../domain/chain.ts";

export function toChain(message: ChainMessage | undefined): Chain | undefined {
  if (message === undefined) return undefined;
  const { hops, remainingMs, budget, spent, path } = message;
  return { hops, remainingMs: Number(remainingMs), budget, spent, path };
}

export function fromChain({ hops, remainingMs, budget, spent, path }: Chain): ChainMessage {
  return create(ChainSchema, { hops, remainingMs: BigInt(remainingMs), budget, spent, path: [...path] });
}
