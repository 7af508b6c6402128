import type { Interceptor, Transport } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import type { BridgeTarget } from "../model/bridge-target.ts";

export interface AddressOptions {
  /** Certificates to trust, in PEM, for an `https://` address. Default: those that Node trusts. */
  readonly ca?: string;
  /** A bearer token for every call. */
  readonly token?: string;
}

/** A busy machine and a network take longer than the bridge itself. */
const patience = 4;
/** How often a wait looks. */
const pollMs = 2;
/** What a message and its consequences may take on a network. */
const settleMs = 50;

let targets = 0;

/** A bridge behind an address, in real time, to be judged. Nobody else may use it meanwhile. */
export function createAddressTarget(address: string, { ca, token }: AddressOptions = {}): BridgeTarget {
  const baseUrl = /^https?:\/\//.test(address) ? address : `http://${address}`;
  const transports = new Map<string, Transport>();
  const authorize: Interceptor = (next) => (request) => {
    if (token !== undefined) request.header.set("authorization", `Bearer ${token}`);
    return next(request);
  };
  const pause = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms));
  targets += 1;
  return {
    name: `${Date.now().toString(36)}-${targets}`,
    transport(link) {
      const known = transports.get(link);
      if (known !== undefined) return known;
      const nodeOptions = ca === undefined ? {} : { ca };
      // A connection that nobody uses any more closes itself, so that the process can end.
      const idle = { idleConnectionTimeoutMs: 1000 };
      const created = createGrpcTransport({ baseUrl, nodeOptions, interceptors: [authorize], ...idle });
      transports.set(link, created);
      return created;
    },
    async until(isTrue, withinMs = 5000) {
      for (const deadlineMs = performance.now() + withinMs * patience; !isTrue(); await pause(pollMs)) {
        if (performance.now() >= deadlineMs) return false;
      }
      return true;
    },
    settle: () => pause(settleMs),
    run: (promise) => promise,
    async close() {},
  };
}
