import { readEnvelope } from "@loom-bridge/protocol";
import { readFlags, readHex, readMilliseconds } from "./read-metadata.ts";

type Metadata = Readonly<Record<string, string>>;

/** What an event's metadata says about thread, reply and trace. */
export interface EnvelopeMetadata {
  readonly threadId: string | undefined;
  readonly correlationId: string | undefined;
  readonly replyTo: string | undefined;
  readonly sender: string | undefined;
  readonly ttlMs: number | undefined;
  readonly traceId: string | undefined;
  readonly spanId: string | undefined;
  readonly traceFlags: number | undefined;
}

export function readEnvelopeMetadata(metadata: Metadata): EnvelopeMetadata {
  const { threadId, correlationId, replyTo, sender, ttlMs, ...trace } = readEnvelope(metadata);
  const traceId = readHex(trace.traceId, 32);
  return {
    threadId,
    correlationId,
    replyTo,
    sender,
    ttlMs: readMilliseconds(ttlMs),
    traceId,
    spanId: readHex(trace.spanId, 16),
    traceFlags: traceId === undefined ? undefined : readFlags(trace.traceFlags),
  };
}

/** Reads the metadata of one event after the other: of the same object, which nobody changes, it knows what it says. */
export class EnvelopeMetadataReader {
  #metadata: Metadata | undefined;
  #read: EnvelopeMetadata | undefined;

  read(metadata: Metadata): EnvelopeMetadata {
    if (this.#read !== undefined && metadata === this.#metadata) return this.#read;
    const read = readEnvelopeMetadata(metadata);
    this.#metadata = metadata;
    this.#read = read;
    return read;
  }
}
