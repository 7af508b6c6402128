import { LoomError, limits, parseTopic, type Runtime } from "@loom-bridge/protocol";
import type { Event } from "@loom-bridge/protocol/messages";
import type { OutgoingPublish } from "../connection/publish-lane.ts";
import type { PublishReceipt } from "../connection/publish-receipt.ts";
import type { SendQueue } from "../connection/send-queue.ts";
import { RequestTimeoutError } from "../errors/request-timeout-error.ts";
import { encodeEvent } from "../wire/encode-event.ts";
import { createEvent } from "./create-event.ts";
import { toChain } from "./event-chain.ts";
import type { EventInit } from "./event-init.ts";

export interface PublisherOptions {
  readonly agentId: string;
  readonly runtime: Runtime;
  readonly queue: SendQueue<OutgoingPublish>;
  /** How long a publish may wait for its answer, in milliseconds; undefined: for as long as the agent lives. */
  readonly timeoutMs: number | undefined;
  /** Told what became of a post that the bridge refused, or that may be lost. */
  readonly onLost: (reason: LoomError) => void;
}

/** Encodes events and brings them to the queue. */
export class Publisher {
  readonly #options: PublisherOptions;

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  /** Resolves when the bridge has answered. */
  publish(topic: string, init: EventInit): Promise<PublishReceipt> {
    return new Promise((resolve, reject) => {
      this.#send(topic, init, (outcome) => {
        if (LoomError.isInstance(outcome)) reject(outcome);
        else resolve(outcome);
      }).catch(reject);
    });
  }

  /** Resolves when the queue has taken the event. */
  post(topic: string, init: EventInit): Promise<void> {
    return new Promise((resolve, reject) => {
      let queued = false;
      this.#send(topic, init, (outcome) => {
        if (!LoomError.isInstance(outcome)) return;
        if (queued) this.#options.onLost(outcome);
        else reject(outcome);
      }).then(() => {
        queued = true;
        resolve();
      }, reject);
    });
  }

  async #send(topic: string, init: EventInit, onOutcome: OutgoingPublish["settle"]): Promise<void> {
    const { agentId, runtime, queue, timeoutMs } = this.#options;
    parseTopic(topic);
    const message = createEvent({ ...init, sender: init.sender ?? agentId }, runtime);
    const event = encode(message);
    if (event.byteLength > limits.eventBytes) {
      const problem = `the event is ${event.byteLength} bytes; at most ${limits.eventBytes} are allowed`;
      throw new LoomError("resource_exhausted", `${problem}. Send large content by reference`, {
        details: { field: "payload" },
      });
    }
    const { id, type } = message;
    const chain = init.chain === undefined ? undefined : toChain(init.chain);
    const publish: OutgoingPublish = {
      topic,
      event,
      id,
      type,
      key: init.key ?? "",
      chain,
      sentMs: undefined,
      abandoned: false,
      settle: onOutcome,
    };
    if (timeoutMs !== undefined) limitWait(publish, runtime, timeoutMs);
    await queue.send(publish, event.byteLength);
  }
}

/** Gives a publish up that has no answer in time. */
function limitWait(publish: OutgoingPublish, runtime: Runtime, timeoutMs: number): void {
  const { id, settle } = publish;
  const timer = runtime.setTimer(() => {
    publish.abandoned = true;
    const outcome = publish.sentMs === undefined ? "NOT_SENT" : "UNKNOWN";
    settle(new RequestTimeoutError(`event ${JSON.stringify(id)}`, timeoutMs, { outcome }));
  }, timeoutMs);
  publish.settle = (outcome) => {
    timer.cancel();
    if (!publish.abandoned) settle(outcome);
  };
}

function encode(message: Event): Uint8Array {
  try {
    return encodeEvent(message);
  } catch (cause) {
    throw new LoomError("invalid_argument", `the event cannot be encoded: ${(cause as Error).message}`, { cause });
  }
}
