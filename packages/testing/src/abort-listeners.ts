import { getEventListeners } from "node:events";
import type { EventHandler } from "@loom-bridge/client";

/**
 * Counts who listens for the abort of signals that outlive what they are given to. A listener that nobody takes back
 * stays as long as they do, and an agent that adds one for each event grows without end.
 */
export class AbortListeners {
  readonly #watched = new Map<AbortSignal, string>();
  readonly #ofHandlers = new Map<AbortSignal, { readonly label: string; running: number }>();

  watch(signal: AbortSignal, label: string): void {
    this.#watched.set(signal, label);
  }

  /** The same handler. The signal of its context is one for all events of its agent, and is watched. */
  watchHandler(agentId: string, handler: EventHandler): EventHandler {
    return (context, envelope) => {
      const { signal } = context;
      const handlers = this.#ofHandlers.get(signal) ?? { label: `the context's signal of ${agentId}`, running: 0 };
      this.#ofHandlers.set(signal, handlers);
      const handled = handler(context, envelope);
      if (!(handled instanceof Promise)) return handled;
      handlers.running += 1;
      const end = (): void => void (handlers.running -= 1);
      handled.then(end, end);
      return handled;
    };
  }

  /** What handlers that have ended left on their signals. Asked before these abort: then there is nothing to count. */
  leftByHandlers(): string[] {
    const idle = [...this.#ofHandlers].filter(([, { running }]) => running === 0);
    return idle.flatMap(([signal, { label }]) => describe(signal, label));
  }

  /** What is left on the signals that a test has named. Asked when everybody has left. */
  left(): string[] {
    return [...this.#watched].flatMap(([signal, label]) => describe(signal, label));
  }
}

function describe(signal: AbortSignal, label: string): string[] {
  const count = getEventListeners(signal, "abort").length;
  if (count === 0) return [];
  return [`abort listeners on ${label} that nobody took back: ${count}; remove each when its work is over`];
}
