import { fromBinary } from "@bufbuild/protobuf";
import { type PublishBatch, type PublishItem, PublishItemSchema } from "@loom-bridge/protocol/messages";

/** A batch of publishes that are encoded already. To everybody but the one who writes it, it is the message that it is. */
export class EncodedPublishBatch implements PublishBatch {
  readonly $typeName = "loom.bridge.v1.PublishBatch";
  readonly firstRef: bigint;
  readonly #encoded: readonly Uint8Array[];
  #items: PublishItem[] | undefined;

  constructor(firstRef: bigint, encoded: readonly Uint8Array[]) {
    this.firstRef = firstRef;
    this.#encoded = encoded;
  }

  get items(): PublishItem[] {
    this.#items ??= this.#encoded.map((item) => fromBinary(PublishItemSchema, item));
    return this.#items;
  }

  /** The encoded items of a batch that has them. Who has asked for the messages may have changed them. */
  static itemsOf(batch: PublishBatch): readonly Uint8Array[] | undefined {
    return batch instanceof EncodedPublishBatch && batch.#items === undefined ? batch.#encoded : undefined;
  }
}
