import { agentSegment } from "@loom-bridge/protocol";
import type { SessionChange } from "./session-change.ts";

/** What the bridge tells everybody of an agent: an event on `$sys.agents.<agent>.online` or `….offline`. */
export interface PresenceEvent {
  readonly topic: string;
  readonly type: "agent.online" | "agent.offline";
  readonly payload: {
    readonly agent_id: string;
    readonly session_id: string;
    readonly epoch: number;
    readonly reason: string;
    readonly tools: readonly string[];
  };
}

/** Tells the bus and everybody who watches which agents come and go, each change once. */
export interface Presence {
  changed(change: SessionChange): void;
  /** Returns the end of the watch. */
  watch(watcher: (change: SessionChange) => void): () => void;
  /** Tells no more: that every agent goes when the bridge does is no news. Harmless when repeated. */
  close(): void;
}

export function createPresence(publish: (event: PresenceEvent) => void): Presence {
  const watchers = new Set<(change: SessionChange) => void>();
  let closed = false;
  return {
    changed(change) {
      if (closed) return;
      for (const watcher of [...watchers]) watcher(change);
      publish(toPresenceEvent(change));
    },
    watch(watcher) {
      watchers.add(watcher);
      return () => void watchers.delete(watcher);
    },
    close() {
      closed = true;
    },
  };
}

export function presenceTopic(agentId: string, kind: SessionChange["kind"]): string {
  return `$sys.agents.${agentSegment(agentId)}.${kind}`;
}

function toPresenceEvent(change: SessionChange): PresenceEvent {
  const { kind, session } = change;
  return {
    topic: presenceTopic(session.agentId, kind),
    type: `agent.${kind}`,
    payload: {
      agent_id: session.agentId,
      session_id: session.sessionId,
      epoch: session.epoch,
      reason: reasonOf(change),
      tools: session.registration.tools.map(({ name }) => name),
    },
  };
}

function reasonOf(change: SessionChange): string {
  if (change.kind === "offline") return change.reason;
  return change.replaced === undefined ? "connected" : "took over from an older session";
}
