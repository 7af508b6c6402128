import type { LoomError } from "@loom-bridge/protocol";
import type { EncodedItem, EncodedPublish } from "../wire/encode-publish.ts";
import type { PublishReceipt } from "./publish-receipt.ts";

/** Called with what happened to a publish. */
export type SettlePublish = (outcome: PublishReceipt | LoomError) => void;

/** An encoded event on its way out. */
export class OutgoingPublish implements EncodedItem {
  readonly topic: string;
  readonly id: string;
  /** Where it lies, encoded. */
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
  /** Whether `settle` is called with a receipt too, and not only with what went wrong. */
  readonly wantsReceipt: boolean;
  settle: SettlePublish;
  /** When it was first sent, in whole milliseconds of the monotonic clock. Written by the lane. */
  sentMs: number | undefined = undefined;
  /** Nobody waits for it any more: if it was not sent, it is not. */
  abandoned = false;

  constructor(topic: string, id: string, encoded: EncodedPublish, wantsReceipt: boolean, settle: SettlePublish) {
    this.topic = topic;
    this.id = id;
    this.bytes = encoded.bytes;
    this.start = encoded.start;
    this.end = encoded.end;
    this.wantsReceipt = wantsReceipt;
    this.settle = settle;
  }

  /** What it takes of a batch. */
  get size(): number {
    return this.end - this.start;
  }
}
