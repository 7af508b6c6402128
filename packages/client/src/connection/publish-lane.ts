import { create } from "@bufbuild/protobuf";
import { LoomError } from "@loom-bridge/protocol";
import {
  type ClientEvent,
  PublishBatchSchema,
  type PublishError,
  PublishItemSchema,
  type Receipt,
  type ReceiptBatch,
} from "@loom-bridge/protocol/messages";
import { OutcomeUnknownError } from "../errors/outcome-unknown-error.ts";
import { clientEvent } from "./client-event.ts";
import type { FrameSource } from "./outbox.ts";
import type { SendQueue } from "./send-queue.ts";

/** What happened to a publish. */
export interface PublishReceipt {
  readonly eventId: string;
  /** Subscriptions whose filters matched. */
  readonly matched: number;
  /** Of these, the ones whose queue took the event. */
  readonly queued: number;
  /** Of these, the ones whose queue was full or whose subscriber went away. */
  readonly dropped: number;
}

/** An encoded event on its way out. */
export interface OutgoingPublish {
  readonly topic: string;
  readonly event: Uint8Array;
  readonly id: string;
  readonly type: string;
  /** Called once, with what happened. */
  settle(outcome: PublishReceipt | LoomError): void;
}

const maxBatchItems = 256;
const maxBatchBytes = 524_288;
/** For a bridge that names no window. */
const defaultWindow = 256;

/** The publishes of one stream: sends them in batches, within the bridge's window, and matches receipts to them. */
export class PublishLane implements FrameSource {
  readonly #queue: SendQueue<OutgoingPublish>;
  readonly #onRoom: () => void;
  #window = 0;
  #unanswered: OutgoingPublish[] = [];
  /** The ref of the first unanswered publish. */
  #firstRef = 1;

  constructor(queue: SendQueue<OutgoingPublish>, onRoom: () => void) {
    this.#queue = queue;
    this.#onRoom = onRoom;
  }

  get unanswered(): number {
    return this.#unanswered.length;
  }

  /** Opens the lane, which the Ack does: at most so many publishes may be unanswered. */
  open(window: number): void {
    this.#window = window || defaultWindow;
  }

  take(): ClientEvent | undefined {
    const room = Math.min(maxBatchItems, this.#window - this.#unanswered.length);
    if (room <= 0) return undefined;
    const publishes = this.#queue.take(room, maxBatchBytes);
    if (publishes.length === 0) return undefined;
    const firstRef = BigInt(this.#firstRef + this.#unanswered.length);
    this.#unanswered.push(...publishes);
    const items = publishes.map(({ topic, event, id, type }) => create(PublishItemSchema, { topic, event, id, type }));
    return clientEvent("publishBatch", create(PublishBatchSchema, { firstRef, items }));
  }

  /** @throws LoomError `internal` when the bridge answers what was not asked. */
  onReceipts(batch: ReceiptBatch): void {
    let answered = 0;
    for (const receipt of batch.receipts) {
      const count = receipt.count || 1;
      if (Number(receipt.ref) !== this.#firstRef + answered || answered + count > this.#unanswered.length) {
        throw new LoomError(
          "internal",
          `the bridge sent a receipt for publish ${receipt.ref}, which is not the next one`,
        );
      }
      for (const publish of this.#unanswered.slice(answered, answered + count)) settle(publish, receipt);
      answered += count;
    }
    this.#unanswered = this.#unanswered.slice(answered);
    this.#firstRef += answered;
    this.#onRoom();
  }

  /** Settles what was sent and not answered. */
  close(cause: LoomError | undefined): void {
    const unanswered = this.#unanswered;
    this.#unanswered = [];
    for (const publish of unanswered) {
      publish.settle(new OutcomeUnknownError(`event ${JSON.stringify(publish.id)}`, cause));
    }
  }
}

function settle(publish: OutgoingPublish, receipt: Receipt): void {
  const { matched, queued, dropped, error } = receipt;
  publish.settle(error === undefined ? { eventId: publish.id, matched, queued, dropped } : refused(publish, error));
}

function refused(publish: OutgoingPublish, error: PublishError): LoomError {
  const code = refusals.find((known) => known === error.code) ?? "unknown";
  return new LoomError(code, `the bridge refused the event ${JSON.stringify(publish.id)}: ${error.message}`, {
    details: { topic: publish.topic, eventId: publish.id },
  });
}

const refusals = ["invalid_argument", "resource_exhausted", "unavailable", "permission_denied"] as const;
