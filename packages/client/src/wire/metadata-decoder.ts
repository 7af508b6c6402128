import { RepeatedText, type WireReader } from "@loom-bridge/protocol/wire";

type Metadata = Readonly<Record<string, string>>;

/** What an event has that has none. */
export const noMetadata: Metadata = {};

const pairTag = 0x2a;
const keyTag = 0x0a;
const valueTag = 0x12;
/** Longer metadata is read anew each time. */
const maxKnownBytes = 256;
/** Pairs beyond this one share the memory of their texts. */
const lastPlace = 15;

/**
 * Decodes the metadata of events, which is mostly what the last event had, too. Then it is the same object, so whoever
 * gives it away makes a copy. It is not frozen: that lets V8 compile again and again whatever reads such objects.
 */
export class MetadataDecoder {
  readonly #keys: RepeatedText[] = [];
  readonly #values: RepeatedText[] = [];
  #known = noMetadata;
  #knownBytes = new Uint8Array();
  #knownLength = 0;

  /** Reads pairs to the last that follows, the first of them behind its tag; nothing where one is unusual. */
  read(reader: WireReader): Metadata | undefined {
    const start = reader.at;
    if (this.#isKnown(reader)) return this.#known;
    const metadata: Record<string, string> = {};
    let place = 0;
    do {
      if (reader.block() < 0 || !this.#readPair(reader, metadata, Math.min(place, lastPlace))) return undefined;
      place += 1;
    } while (reader.at < reader.end && reader.bytes[reader.at] === pairTag && reader.skip(1));
    this.#remember(reader, start, metadata);
    return metadata;
  }

  #isKnown(reader: WireReader): boolean {
    const { bytes, at } = reader;
    const length = this.#knownLength;
    if (length === 0 || at + length > reader.end) return false;
    for (let index = 0; index < length; index += 1) if (bytes[at + index] !== this.#knownBytes[index]) return false;
    // There may be more of it.
    if (at + length < reader.end && bytes[at + length] === pairTag) return false;
    reader.skip(length);
    return true;
  }

  #remember({ bytes, at }: WireReader, start: number, metadata: Metadata): void {
    this.#knownLength = 0;
    const length = at - start;
    if (length > maxKnownBytes) return;
    if (this.#knownBytes.length === 0) this.#knownBytes = new Uint8Array(maxKnownBytes);
    for (let index = 0; index < length; index += 1) this.#knownBytes[index] = bytes[start + index] ?? 0;
    this.#knownLength = length;
    this.#known = metadata;
  }

  /** Reads the pair in the last block. */
  #readPair(reader: WireReader, metadata: Record<string, string>, place: number): boolean {
    const { bytes, at: end, end: eventEnd } = reader;
    reader.at = reader.blockStart;
    reader.end = end;
    if (bytes[reader.at++] !== keyTag) return false;
    const key = reader.text((this.#keys[place] ??= new RepeatedText()));
    if (key === undefined || key === "__proto__" || bytes[reader.at++] !== valueTag) return false;
    const value = reader.text((this.#values[place] ??= new RepeatedText()));
    if (value === undefined || reader.at !== end) return false;
    reader.end = eventEnd;
    metadata[key] = value;
    return true;
  }
}
