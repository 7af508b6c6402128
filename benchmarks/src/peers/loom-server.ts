import { createBridge, serve } from "@loom-bridge/server";
import { openSqliteStore } from "./internals.ts";
import type { RunningServer } from "./peer.ts";

export interface LoomServerOptions {
  /** The SQLite file. Default: memory is in memory. */
  readonly dataFile?: string;
  readonly heartbeatIntervalMs?: number;
  readonly stallTimeoutMs?: number;
}

export async function startLoomServer(options: LoomServerOptions = {}): Promise<RunningServer> {
  const { dataFile, heartbeatIntervalMs, stallTimeoutMs } = options;
  const bridge = createBridge({
    ...(dataFile === undefined ? {} : { store: await openSqliteStore(dataFile) }),
    ...(heartbeatIntervalMs === undefined ? {} : { heartbeatIntervalMs }),
    ...(stallTimeoutMs === undefined ? {} : { stallTimeoutMs }),
  });
  const server = await serve(bridge, { address: "127.0.0.1:0" });
  return { address: server.address, close: () => server.close({ graceMs: 1000 }) };
}
