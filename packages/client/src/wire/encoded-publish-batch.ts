import { fromBinary } from "@bufbuild/protobuf";
import { type PublishBatch, PublishBatchSchema, type PublishItem } from "@loom-bridge/protocol/messages";
import type { EncodedItem } from "./encode-publish.ts";

/** A batch of publishes that are encoded already. To everybody but the one who writes it, it is the message that it is. */
export class EncodedPublishBatch implements PublishBatch {
  readonly $typeName = "loom.bridge.v1.PublishBatch";
  readonly firstRef: bigint;
  readonly #encoded: readonly EncodedItem[];
  #items: PublishItem[] | undefined;

  constructor(firstRef: bigint, encoded: readonly EncodedItem[]) {
    this.firstRef = firstRef;
    this.#encoded = encoded;
  }

  get items(): PublishItem[] {
    this.#items ??= this.#encoded.flatMap(
      ({ bytes, start, end }) => fromBinary(PublishBatchSchema, bytes.subarray(start, end)).items,
    );
    return this.#items;
  }

  /** The encoded items of a batch that has them. Who has asked for the messages may have changed them. */
  static itemsOf(batch: PublishBatch): readonly EncodedItem[] | undefined {
    return batch instanceof EncodedPublishBatch && batch.#items === undefined ? batch.#encoded : undefined;
  }
}
