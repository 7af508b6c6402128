import type { Runtime } from "@loom-bridge/protocol";
import type { Logger } from "../logger.ts";

export type AuditedAct = "credentials refused" | "denied" | "administered" | "admitted again";

/** Notes for whoever has to know who was refused what, and who changed what. */
export interface Audit {
  /** @param peer whose lines are counted together: a subject, or an address */
  note(what: AuditedAct, peer: string, facts: Readonly<Record<string, unknown>>): void;
}

/** Lines a second of one peer, and of all together. The next line after that says how many were left out. */
const linesPerPeer = 10;
const linesInAll = 200;
/** Peers that are counted. When there are more, counting begins anew. */
const maxPeers = 4096;

/** Writes lines of their own kind into the log, so few that no peer can fill a disk with its attempts. */
export function createAudit(logger: Logger, runtime: Runtime): Audit {
  const peers = new Map<string, number>();
  let secondStart = Number.NEGATIVE_INFINITY;
  let written = 0;
  let leftOut = 0;

  return {
    note(what, peer, facts) {
      const now = runtime.monotonic();
      if (now - secondStart >= 1000 || peers.size >= maxPeers) {
        peers.clear();
        if (now - secondStart >= 1000) [secondStart, written] = [now, 0];
      }
      const lines = (peers.get(peer) ?? 0) + 1;
      peers.set(peer, lines);
      if (lines > linesPerPeer || written >= linesInAll) {
        leftOut += 1;
        return;
      }
      written += 1;
      logger.warn(`audit: ${what}`, leftOut === 0 ? { ...facts } : { ...facts, leftOut });
      leftOut = 0;
    },
  };
}
