import { inspect } from "node:util";
import { createBridge, createInMemoryStore, type Logger, serve, silentLogger } from "@loom-bridge/server";
import { createLoopMonitor } from "./loop-monitor.ts";
import type { VictimOptions, VictimState } from "./victim.ts";

// The process that is attacked: a bridge on a port of its own, and an answer to its parent who asks how it feels.
const {
  limits,
  bridge: bridgeOptions,
  trustedPeers,
  plansPerSession,
}: VictimOptions = JSON.parse(process.argv[2] ?? "{}");
const capacity = plansPerSession === undefined ? {} : { capacity: { plansPerSession } };
const defects: string[] = [];
const logger: Logger = {
  ...silentLogger,
  error(message, facts) {
    if (defects.length < 20) defects.push(`${message}: ${inspect(facts)}`);
  },
};
const bridge = createBridge({ ...bridgeOptions, logger, store: createInMemoryStore(capacity) });
const server = await serve(bridge, {
  address: "127.0.0.1:0",
  ...(limits === undefined ? {} : { limits }),
  ...(trustedPeers === undefined ? {} : { trustedPeers }),
});
const monitor = createLoopMonitor();

process.on("message", (reset: boolean) => {
  globalThis.gc?.();
  const { heapUsed, external, rss } = process.memoryUsage();
  const state: VictimState = {
    address: server.address,
    connections: server.listener.connections,
    calls: server.listener.calls,
    heldMib: (heapUsed + external) / 2 ** 20,
    rssMib: rss / 2 ** 20,
    defects,
    breaches: Object.fromEntries(bridge.breaches.counts()),
    ...monitor.read(reset),
  };
  process.send?.(state);
});
process.on("disconnect", () => process.exit(0));
process.send?.({ address: server.address });
