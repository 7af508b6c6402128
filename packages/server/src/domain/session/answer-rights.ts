import { type Runtime, repliesTopic } from "@loom-bridge/protocol";
import type { BusEvent } from "../bus/bus-event.ts";

/** How long somebody may be answered after its last event: as long as a request can take. */
const answerMs = 600_000;
/** Senders that are remembered. The one that was heard longest ago is forgotten. */
const maxSenders = 1024;

/**
 * Whom an agent may answer: each agent whose event it was sent, on that agent's own topic for replies. So an agent that
 * answers needs no grant over the topics of those who ask, and the bridge, not the one who asks, says where that is.
 */
export class AnswerRights {
  readonly #runtime: Runtime;
  /** By topic for replies, in the order of time. */
  readonly #heardMs = new Map<string, number>();

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  heard(events: readonly BusEvent[]): void {
    let last = "";
    for (const { sender } of events) {
      if (sender === "" || sender === last) continue;
      last = sender;
      const topic = repliesTopic(sender);
      this.#heardMs.delete(topic);
      this.#heardMs.set(topic, this.#runtime.monotonic());
      if (this.#heardMs.size > maxSenders) this.#heardMs.delete(this.#heardMs.keys().next().value as string);
    }
  }

  mayAnswerOn(topic: string): boolean {
    const heardMs = this.#heardMs.get(topic);
    return heardMs !== undefined && this.#runtime.monotonic() - heardMs <= answerMs;
  }
}
