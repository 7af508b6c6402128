import { LoomError, limits, parseTopic, type Runtime } from "@loom-bridge/protocol";
import { OutgoingPublish } from "../connection/outgoing-publish.ts";
import type { PublishReceipt } from "../connection/publish-receipt.ts";
import type { SendQueue } from "../connection/send-queue.ts";
import { RequestTimeoutError } from "../errors/request-timeout-error.ts";
import { type EncodedPublish, encodePublish, type Publish } from "../wire/encode-publish.ts";
import { PublishSlab } from "../wire/publish-slab.ts";
import { createEvent } from "./create-event.ts";
import { toChain } from "./event-chain.ts";
import type { EventInit } from "./event-init.ts";
import { KnownTopic } from "./known-topic.ts";

export interface PublisherOptions {
  readonly agentId: string;
  readonly runtime: Runtime;
  readonly queue: SendQueue<OutgoingPublish>;
  /** How long a publish may wait for its answer, in milliseconds; undefined: for as long as the agent lives. */
  readonly timeoutMs: number | undefined;
  /** Told what became of a post that the bridge refused, or that may be lost. */
  readonly onLost: (reason: LoomError) => void;
}

const queued = Promise.resolve();
/** An agent has few topics; whoever has more pays for a look at each. */
const maxTopics = 256;

/** Encodes events and brings them to the queue. */
export class Publisher {
  readonly #options: PublisherOptions;
  readonly #slab = new PublishSlab();
  /** Topics that were found valid. */
  readonly #topics = new Map<string, KnownTopic>();

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  /** Resolves when the bridge has answered. */
  publish(topic: string, init: EventInit): Promise<PublishReceipt> {
    return new Promise((resolve, reject) => {
      const publish = this.#prepare(topic, init, true);
      publish.settle = (outcome) => {
        if (LoomError.isInstance(outcome)) reject(outcome);
        else resolve(outcome);
      };
      this.#send(publish).catch(reject);
    });
  }

  /**
   * Resolves when the queue has taken the event.
   * @throws LoomError at once for an event that cannot be sent
   */
  post(topic: string, init: EventInit): Promise<void> {
    const { queue, timeoutMs } = this.#options;
    // Where there is room, a post must not cost more than the event.
    if (timeoutMs === undefined) {
      const publish = this.#prepare(topic, init, false);
      return queue.offer(publish, publish.size) ? queued : this.#postSlowly(publish);
    }
    return this.#postSlowly(this.#prepare(topic, init, true));
  }

  #postSlowly(publish: OutgoingPublish): Promise<void> {
    return new Promise((resolve, reject) => {
      let isQueued = false;
      publish.settle = (outcome) => {
        if (isQueued) this.#onPosted(outcome);
        else if (LoomError.isInstance(outcome)) reject(outcome);
      };
      this.#send(publish).then(() => {
        isQueued = true;
        resolve();
      }, reject);
    });
  }

  readonly #onPosted = (outcome: PublishReceipt | LoomError): void => {
    if (LoomError.isInstance(outcome)) this.#options.onLost(outcome);
  };

  #send(publish: OutgoingPublish): Promise<void> {
    const { runtime, queue, timeoutMs } = this.#options;
    if (timeoutMs !== undefined) limitWait(publish, runtime, timeoutMs);
    return queue.send(publish, publish.size);
  }

  /** What became of it is told to `onLost`, unless its `settle` is replaced. */
  #prepare(topic: string, init: EventInit, wantsReceipt: boolean): OutgoingPublish {
    const id = init.id || this.#options.runtime.uuid();
    const encoded = this.#encode(topic, id, init);
    if (encoded.eventBytes > limits.eventBytes) {
      const problem = `the event is ${encoded.eventBytes} bytes; at most ${limits.eventBytes} are allowed`;
      throw new LoomError("resource_exhausted", `${problem}. Send large content by reference`, {
        details: { field: "payload" },
      });
    }
    return new OutgoingPublish(topic, id, encoded, wantsReceipt, this.#onPosted);
  }

  #encode(topic: string, id: string, init: EventInit): EncodedPublish {
    const { agentId, runtime } = this.#options;
    const known = this.#topics.get(topic);
    const alike = known?.encode(this.#slab, id, init, runtime);
    if (alike !== undefined) return alike;
    if (known === undefined) parseTopic(topic);
    const event = createEvent(init, runtime, init.sender ?? agentId, id);
    const chain = init.chain === undefined ? undefined : toChain(init.chain);
    const publish = { topic, event, key: init.key ?? "", chain };
    const encoded = encode(publish, this.#slab);
    (known ?? this.#remember(topic)).encoded(init, publish);
    return encoded;
  }

  #remember(topic: string): KnownTopic {
    if (this.#topics.size === maxTopics) this.#topics.clear();
    const known = new KnownTopic();
    this.#topics.set(topic, known);
    return known;
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

function encode(publish: Publish, slab: PublishSlab): EncodedPublish {
  try {
    return encodePublish(publish, slab);
  } catch (cause) {
    throw new LoomError("invalid_argument", `the event cannot be encoded: ${(cause as Error).message}`, { cause });
  }
}
