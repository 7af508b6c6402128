import { create, toBinary } from "@bufbuild/protobuf";
import { EventSchema, RoutedEventSchema } from "@loom-bridge/protocol/messages";
import { type EnvelopeWriter, varintBytes, writeText, writeVarint } from "@loom-bridge/protocol/wire";
import type { BusEvent, LoggedEvent } from "../../domain/bus/bus-event.ts";
import { fromChain } from "../chain-mapping.ts";
import { toEvent } from "../event-mapping.ts";
import { scanEvent } from "./scan-event.ts";

const fieldTags = {
  event: 0x0a,
  eventBatch: 0x1a,
  subscription: 0x08,
  firstSequence: 0x10,
  routedEvent: 0x1a,
  attempt: 0x20,
} as const;
const routedTags = { topic: 0x0a, event: 0x12, sender: 0x1a, offset: 0x20, publishedMs: 0x28 } as const;

/** What is encoded again and again in the same place: a large buffer for each batch would keep the collector busy. */
const scratchBytes = 262_144;

/** Writes events as deliveries, from the bytes that were published. One for all streams of a bridge. */
export class EventEncoder {
  #scratch: Buffer = Buffer.alloc(0);
  /** The last batch's events: subscribers to the same topics take the same ones, one after the other. */
  #last: { readonly events: readonly LoggedEvent[]; readonly encoded: Uint8Array } | undefined;

  /** Writes `Delivery{event}`. Returns false, and writes nothing, where what was published is no Event. */
  event(writer: EnvelopeWriter, event: BusEvent): boolean {
    const body = toValidBody(event);
    if (body === undefined) return false;
    writer.begin(1 + varintBytes(body.length) + body.length);
    writer.byte(fieldTags.event);
    writer.varint(body.length);
    writer.bytes(body);
    return true;
  }

  /** Writes `Delivery{event_batch}`. */
  eventBatch(
    writer: EnvelopeWriter,
    {
      subscription,
      firstSequence,
      attempt,
      events,
    }: { subscription: number; firstSequence: number; attempt: number; events: readonly LoggedEvent[] },
  ): void {
    const encoded = this.#encode(events);
    // A number that is 0 is left out.
    const subscriptionBytes = subscription === 0 ? 0 : 1 + varintBytes(subscription);
    const batchBytes = subscriptionBytes + 1 + varintBytes(firstSequence) + encoded.length + 1 + varintBytes(attempt);
    writer.begin(1 + varintBytes(batchBytes) + batchBytes);
    writer.byte(fieldTags.eventBatch);
    writer.varint(batchBytes);
    if (subscription !== 0) {
      writer.byte(fieldTags.subscription);
      writer.varint(subscription);
    }
    writer.byte(fieldTags.firstSequence);
    writer.varint(firstSequence);
    writer.bytes(encoded);
    writer.byte(fieldTags.attempt);
    writer.varint(attempt);
  }

  #encode(events: readonly LoggedEvent[]): Uint8Array {
    const last = this.#last;
    if (last?.events.length === events.length && events.every((event, index) => event === last.events[index])) {
      return last.encoded;
    }
    const tails = events.map(encodeTail);
    const sizes = events.map((event, index) => routedEventBytes(event) + (tails[index]?.length ?? 0));
    let bytes = 0;
    for (const size of sizes) bytes += 1 + varintBytes(size) + size;
    const encoded = this.#room(bytes);
    let at = 0;
    for (let index = 0; index < events.length; index += 1) {
      const event = events[index] as LoggedEvent;
      encoded[at++] = fieldTags.routedEvent;
      at = writeVarint(encoded, at, sizes[index] ?? 0);
      at = writeAscii(encoded, at, routedTags.topic, event.topic);
      encoded[at++] = routedTags.event;
      at = writeVarint(encoded, at, event.body.length);
      encoded.set(event.body, at);
      at += event.body.length;
      if (event.sender !== "") at = writeAscii(encoded, at, routedTags.sender, event.sender);
      if (event.offset > 0) {
        encoded[at++] = routedTags.offset;
        at = writeVarint(encoded, at, event.offset);
      }
      encoded[at++] = routedTags.publishedMs;
      at = writeVarint(encoded, at, Math.floor(event.publishedMs));
      const tail = tails[index];
      if (tail !== undefined) {
        encoded.set(tail, at);
        at += tail.length;
      }
    }
    this.#last = { events, encoded };
    return encoded;
  }

  /** Where a batch is encoded; whoever encoded one before has copied it. */
  #room(bytes: number): Buffer {
    if (bytes > scratchBytes) return Buffer.allocUnsafe(bytes);
    if (bytes > this.#scratch.length) this.#scratch = Buffer.allocUnsafeSlow(Math.min(scratchBytes, 2 * bytes));
    return this.#scratch.subarray(0, bytes);
  }
}

/** Key and chain, which few events have. */
function encodeTail({ key, chain }: LoggedEvent): Uint8Array | undefined {
  if (key === "" && chain === undefined) return undefined;
  const fields = chain === undefined ? { key } : { key, chain: fromChain(chain) };
  return toBinary(RoutedEventSchema, create(RoutedEventSchema, fields));
}

function routedEventBytes({ topic, body, sender, offset, publishedMs }: LoggedEvent): number {
  // Topics and agent ids are ASCII.
  const senderBytes = sender === "" ? 0 : 1 + varintBytes(sender.length) + sender.length;
  const stampBytes = (offset === 0 ? 0 : 1 + varintBytes(offset)) + 1 + varintBytes(Math.floor(publishedMs));
  return (
    1 + varintBytes(topic.length) + topic.length + 1 + varintBytes(body.length) + body.length + senderBytes + stampBytes
  );
}

function writeAscii(buffer: Buffer, start: number, tag: number, ascii: string): number {
  buffer[start] = tag;
  return writeText(buffer, writeVarint(buffer, start + 1, ascii.length), ascii, ascii.length);
}

/** The body where it is an Event of its sender's; whoever published it in a batch may have sent anything. */
function toValidBody(event: BusEvent): Uint8Array | undefined {
  const { body, sender } = event;
  const scanned = scanEvent(body, 0, body.length, sender);
  if (scanned !== undefined && (scanned.sender === "own" || sender === "")) return body;
  try {
    return toBinary(EventSchema, toEvent(event));
  } catch {
    return undefined;
  }
}
