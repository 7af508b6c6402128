import { toBinary } from "@bufbuild/protobuf";
import { LoomError, limits, parseTopic, type Runtime } from "@loom-bridge/protocol";
import { type Event, EventSchema } from "@loom-bridge/protocol/messages";
import type { OutgoingPublish, PublishReceipt } from "../connection/publish-lane.ts";
import type { SendQueue } from "../connection/send-queue.ts";
import { createEvent } from "./create-event.ts";
import type { EventInit } from "./event-init.ts";

export interface PublisherOptions {
  readonly agentId: string;
  readonly runtime: Runtime;
  readonly queue: SendQueue<OutgoingPublish>;
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
  async publish(topic: string, init: EventInit): Promise<PublishReceipt> {
    return new Promise((resolve, reject) => {
      const settle = (outcome: PublishReceipt | LoomError): void => {
        if (LoomError.isInstance(outcome)) reject(outcome);
        else resolve(outcome);
      };
      this.#send(topic, init, settle).catch(reject);
    });
  }

  /** Resolves when the queue has taken the event. */
  post(topic: string, init: EventInit): Promise<void> {
    return this.#send(topic, init, (outcome) => {
      if (LoomError.isInstance(outcome)) this.#options.onLost(outcome);
    });
  }

  async #send(topic: string, init: EventInit, settle: OutgoingPublish["settle"]): Promise<void> {
    const { agentId, runtime, queue } = this.#options;
    parseTopic(topic);
    const message = createEvent({ ...init, sender: init.sender ?? agentId }, runtime);
    const event = encode(message);
    if (event.byteLength > limits.eventBytes) {
      const problem = `the event is ${event.byteLength} bytes; at most ${limits.eventBytes} are allowed`;
      throw new LoomError("resource_exhausted", `${problem}. Send large content by reference`, {
        details: { field: "payload" },
      });
    }
    await queue.send({ topic, event, id: message.id, type: message.type, settle }, event.byteLength);
  }
}

function encode(message: Event): Uint8Array {
  try {
    return toBinary(EventSchema, message);
  } catch (cause) {
    throw new LoomError("invalid_argument", `the event cannot be encoded: ${(cause as Error).message}`, { cause });
  }
}
