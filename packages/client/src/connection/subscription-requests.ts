import { create } from "@bufbuild/protobuf";
import { LoomError, type Runtime } from "@loom-bridge/protocol";
import {
  type ClientEvent,
  SubscribeSchema,
  type Subscription,
  type SubscriptionAck,
  UnsubscribeSchema,
} from "@loom-bridge/protocol/messages";
import { OutcomeUnknownError } from "../errors/outcome-unknown-error.ts";
import { RequestTimeoutError } from "../errors/request-timeout-error.ts";
import { clientEvent } from "./client-event.ts";

interface Pending {
  readonly what: string;
  settle(outcome: SubscriptionAck | LoomError): void;
}

const answerTimeoutMs = 30_000;

/** Subscribe and Unsubscribe on one stream. The bridge answers in order, and there is one question at a time for an id. */
export class SubscriptionRequests {
  readonly #runtime: Runtime;
  readonly #send: (frame: ClientEvent) => Promise<void>;
  readonly #pending = new Map<number, Pending>();

  constructor(runtime: Runtime, send: (frame: ClientEvent) => Promise<void>) {
    this.#runtime = runtime;
    this.#send = send;
  }

  async subscribe(subscription: Subscription): Promise<SubscriptionAck> {
    const frame = clientEvent("subscribe", create(SubscribeSchema, { subscription }));
    const ack = await this.#ask(subscription.id, "Subscribe", frame);
    if (!ack.active) {
      throw new LoomError("invalid_argument", `the bridge refused the subscription: ${ack.errorMessage}`);
    }
    return ack;
  }

  async unsubscribe(id: number): Promise<void> {
    await this.#ask(id, "Unsubscribe", clientEvent("unsubscribe", create(UnsubscribeSchema, { id })));
  }

  onAck(ack: SubscriptionAck): void {
    this.#pending.get(ack.id)?.settle(ack);
  }

  close(cause: LoomError | undefined): void {
    for (const pending of this.#pending.values()) pending.settle(new OutcomeUnknownError(pending.what, cause));
  }

  #ask(id: number, what: string, frame: ClientEvent): Promise<SubscriptionAck> {
    if (this.#pending.has(id)) {
      return Promise.reject(new LoomError("failed_precondition", `subscription ${id} is being changed already`));
    }
    return new Promise((resolve, reject) => {
      const settle = (outcome: SubscriptionAck | LoomError): void => {
        timer.cancel();
        this.#pending.delete(id);
        if (LoomError.isInstance(outcome)) reject(outcome);
        else resolve(outcome);
      };
      const timer = this.#runtime.setTimer(
        () => settle(new RequestTimeoutError(what, answerTimeoutMs)),
        answerTimeoutMs,
      );
      this.#pending.set(id, { what, settle });
      this.#send(frame).catch(settle);
    });
  }
}
