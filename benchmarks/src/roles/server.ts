import { type PeerName, startServer } from "../peers/peers.ts";
import type { StartRole } from "../worker/role.ts";
import type { Usage } from "../worker/usage.ts";

export interface ServerOptions {
  readonly peer: PeerName;
  readonly options?: object;
}

export interface ServerReady {
  readonly address: string;
}

/** The bridge, or the broker in its place. */
export const start: StartRole<ServerOptions> = async ({ peer, options = {} }) => {
  const server: { usage?(): Usage; pid?: number } & Awaited<ReturnType<typeof startServer>> = await startServer(
    peer,
    options,
  );
  const ready: ServerReady = { address: server.address };
  return {
    ready,
    ...(server.usage === undefined ? {} : { usage: () => server.usage?.() as Usage }),
    ...(server.pid === undefined ? {} : { pid: server.pid }),
    close: () => server.close(),
  };
};
