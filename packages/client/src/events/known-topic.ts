import type { Runtime } from "@loom-bridge/protocol";
import type { EncodedPublish, Publish } from "../wire/encode-publish.ts";
import type { PublishSlab } from "../wire/publish-slab.ts";
import { PublishTemplate } from "../wire/publish-template.ts";
import type { EventInit } from "./event-init.ts";
import { encodePayload } from "./payload.ts";

/** Of events that are not alike, one in so many is learnt: that costs as much as to encode one. */
const learnEvery = 256;
/** The first event of a topic may well be the last. */
const firstLearnt = 2;

/** A topic that an agent publishes to. Most events are like one before, but for id, time and payload. */
export class KnownTopic {
  #others = 0;
  #template: PublishTemplate | undefined;
  #init: EventInit = { type: "" };
  #metadata: Readonly<Record<string, string>> = {};
  #names: readonly string[] = [];

  /** Encodes an event that is like the one that was learnt, and returns nothing for others: they are to be checked. */
  encode(slab: PublishSlab, id: string, init: EventInit, runtime: Runtime): EncodedPublish | undefined {
    const template = this.#template;
    if (template === undefined || !this.#isLike(init)) return undefined;
    return template.encode(slab, id, Math.trunc(init.timestampMs ?? runtime.now()), encodePayload(init.payload));
  }

  /** Told of the others, which were found valid: the next may be like this one. */
  encoded(init: EventInit, publish: Publish): void {
    this.#others += 1;
    if (this.#others % learnEvery !== firstLearnt || init.tags !== undefined) return;
    this.#template = PublishTemplate.of(publish);
    // Copies, for authors may change what is theirs.
    this.#init = { ...init, payload: undefined };
    this.#metadata = { ...init.metadata };
    this.#names = Object.keys(this.#metadata);
  }

  /** Field by field: a loop over their names takes several times as long. */
  #isLike(init: EventInit): boolean {
    const known = this.#init;
    return (
      // What most often differs comes first.
      init.correlationId === known.correlationId &&
      init.spanId === known.spanId &&
      init.type === known.type &&
      init.source === known.source &&
      init.confidence === known.confidence &&
      init.tags === undefined &&
      init.priority === known.priority &&
      init.threadId === known.threadId &&
      init.replyTo === known.replyTo &&
      init.sender === known.sender &&
      init.ttlMs === known.ttlMs &&
      init.traceId === known.traceId &&
      init.traceFlags === known.traceFlags &&
      init.key === known.key &&
      init.chain === undefined &&
      this.#hasMetadata(init.metadata)
    );
  }

  #hasMetadata(metadata: EventInit["metadata"]): boolean {
    let count = 0;
    for (const name in metadata) {
      const isKnown = name === this.#names[count] && metadata[name] === this.#metadata[name];
      if (!isKnown || !Object.hasOwn(metadata, name)) return false;
      count += 1;
    }
    return count === this.#names.length;
  }
}
