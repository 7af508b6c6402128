import type { Runtime } from "@loom-bridge/protocol";
import type { Logger } from "./logger.ts";

/** More peers than that in a second are taken as one. */
const maxPeers = 1000;

interface Second {
  start: number;
  lines: number;
  leftOut: number;
  readonly peers: Map<string, number>;
}

/**
 * Passes on at most so many lines of each message about each peer in a second, and ten times as many about all, so that
 * nobody can fill a disk with mistakes or hide those of others. The next line tells how many were left out. Messages
 * must be constants; what varies belongs in the facts, and whom they are about as `peer` or `agentId`.
 */
export function createBoundedLogger(logger: Logger, runtime: Runtime, linesPerPeer = 10): Logger {
  const linesPerMessage = 10 * linesPerPeer;
  const seconds = new Map<string, Second>();

  function secondOf(message: string): Second {
    const now = runtime.monotonic();
    let second = seconds.get(message);
    if (second === undefined) {
      second = { start: now, lines: 0, leftOut: 0, peers: new Map() };
      seconds.set(message, second);
    } else if (now - second.start >= 1000) {
      second.start = now;
      second.lines = 0;
      second.peers.clear();
    }
    return second;
  }

  const bounded =
    (level: keyof Logger): Logger["info"] =>
    (message, facts) => {
      const second = secondOf(message);
      const name = nameOf(facts?.["peer"] ?? facts?.["agentId"]);
      const peer = second.peers.size < maxPeers || second.peers.has(name) ? name : "";
      const linesOfPeer = (second.peers.get(peer) ?? 0) + 1;
      second.peers.set(peer, linesOfPeer);
      if (linesOfPeer > linesPerPeer || second.lines >= linesPerMessage) {
        second.leftOut += 1;
        return;
      }
      second.lines += 1;
      const { leftOut } = second;
      second.leftOut = 0;
      logger[level](message, leftOut === 0 ? facts : { ...facts, leftOut });
    };

  return { debug: bounded("debug"), info: bounded("info"), warn: bounded("warn"), error: bounded("error") };
}

function nameOf(peer: unknown): string {
  return typeof peer === "string" ? peer : "";
}
