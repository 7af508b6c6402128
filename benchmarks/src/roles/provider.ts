import { type CallPeerName, loadCalls } from "../peers/peers.ts";
import type { StartRole } from "../worker/role.ts";

export interface ProviderOptions {
  readonly peer: CallPeerName;
  readonly address: string;
}

export const toolName = "bench:echo";

/** Provides the tool. */
export const start: StartRole<ProviderOptions> = async ({ peer, address }, { fail }) => {
  const connection = await (await loadCalls(peer))(address, "provider", fail);
  await connection.provide(toolName);
  return { close: () => connection.close() };
};
