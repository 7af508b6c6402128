import type { LoomError } from "@loom-bridge/protocol";
import type { EncodedPublish } from "../wire/encode-publish.ts";
import type { PublishReceipt } from "./publish-receipt.ts";

/** Called with what happened to a publish. */
export type SettlePublish = (outcome: PublishReceipt | LoomError) => void;

/** An encoded event on its way out. */
export class OutgoingPublish {
  readonly topic: string;
  readonly id: string;
  readonly encoded: EncodedPublish;
  /** Whether `settle` is called with a receipt too, and not only with what went wrong. */
  readonly wantsReceipt: boolean;
  settle: SettlePublish;
  /** When it was first sent, on the monotonic clock. Written by the lane. */
  sentMs: number | undefined = undefined;
  /** Nobody waits for it any more: if it was not sent, it is not. */
  abandoned = false;

  constructor(topic: string, id: string, encoded: EncodedPublish, wantsReceipt: boolean, settle: SettlePublish) {
    this.topic = topic;
    this.id = id;
    this.encoded = encoded;
    this.wantsReceipt = wantsReceipt;
    this.settle = settle;
  }

  /** What it takes of a batch. */
  get bytes(): number {
    return this.encoded.end - this.encoded.start;
  }
}
