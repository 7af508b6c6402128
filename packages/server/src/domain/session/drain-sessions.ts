import type { Runtime } from "@loom-bridge/protocol";
import type { Presence } from "./presence.ts";
import type { SessionRegistry } from "./session-registry.ts";

export interface DrainOptions {
  readonly sessions: SessionRegistry;
  readonly presence: Presence;
  readonly runtime: Runtime;
  readonly reason: string;
  readonly graceMs: number;
}

/** Tells the agents that their sessions will end, and waits until those that were told have left, or the grace is over. */
export function drainSessions({ sessions, presence, runtime, reason, graceMs }: DrainOptions): Promise<void> {
  sessions.drain(reason, graceMs);
  const told = new Set(sessions.list().filter(({ registration }) => registration.hearsNotices));
  if (told.size === 0) return Promise.resolve();
  return new Promise((resolve) => {
    const finish = (): void => {
      stop();
      timer.cancel();
      resolve();
    };
    const stop = presence.watch(({ kind, session }) => {
      if (kind === "offline" && told.delete(session) && told.size === 0) finish();
    });
    const timer = runtime.setTimer(finish, graceMs);
  });
}
