import { spawnSync } from "node:child_process";
import type { Lab } from "../harness/lab.ts";
import type { PeerName } from "../peers/peers.ts";

/** Those of the peers that are wanted and can run here, and a line for each that cannot. */
export function availablePeers<Name extends PeerName>(
  lab: Lab,
  names: readonly Name[],
): { peers: Name[]; skipped: string[] } {
  const wanted = names.filter((name) => lab.settings.peers.has(name));
  const hasNats = !wanted.includes("nats" as Name) || spawnSync("nats-server", ["--version"]).status === 0;
  return {
    peers: wanted.filter((name) => name !== "nats" || hasNats),
    skipped: hasNats ? [] : ["NATS, because there is no nats-server on the path (Debian: apt-get install nats-server)"],
  };
}
