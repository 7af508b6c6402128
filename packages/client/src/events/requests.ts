import { LoomError, type Runtime, repliesTopic } from "@loom-bridge/protocol";
import type { PublishReceipt } from "../connection/publish-receipt.ts";
import type { Envelope } from "./envelope.ts";
import type { EventInit } from "./event-init.ts";
import type { Payload } from "./payload.ts";
import type { ReplyWaiters } from "./reply-waiters.ts";
import type { RequestOptions } from "./request-options.ts";

const defaultTimeoutMs = 5000;

export interface RequestsOptions {
  readonly agentId: string;
  readonly runtime: Runtime;
  readonly replies: ReplyWaiters;
  readonly publish: (topic: string, event: EventInit) => Promise<PublishReceipt>;
}

/** Publishes questions and waits for their replies. */
export class Requests {
  readonly #options: RequestsOptions;

  constructor(options: RequestsOptions) {
    this.#options = options;
  }

  async request(topic: string, payload: Payload | undefined, options: RequestOptions): Promise<Envelope> {
    const { timeoutMs = defaultTimeoutMs, signal, ...init } = options;
    const { agentId, runtime, replies, publish } = this.#options;
    if (!(timeoutMs > 0)) {
      const message = `timeoutMs of a request is ${timeoutMs}; it must be greater than 0`;
      throw new LoomError("invalid_argument", message, { details: { field: "timeoutMs" } });
    }
    const id = init.id ?? runtime.uuid();
    const reply = replies.wait(id, timeoutMs, signal);
    const question = { type: "request", payload, ...init, id, correlationId: id, replyTo: repliesTopic(agentId) };
    publish(topic, question).then(
      ({ matched }) => {
        if (matched > 0) return;
        const message = `nobody subscribes to ${topic}, so nobody can reply`;
        replies.reject(id, new LoomError("unavailable", message, { details: { topic } }));
      },
      (error: LoomError) => replies.reject(id, error),
    );
    return reply;
  }
}
