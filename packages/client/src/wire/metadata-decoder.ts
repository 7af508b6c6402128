import { KnownBytes, RepeatedText, type WireReader } from "@loom-bridge/protocol/wire";

type Metadata = Readonly<Record<string, string>>;

/** What an event has that has none. */
export const noMetadata: Metadata = {};

const pairTag = 0x2a;
const keyTag = 0x0a;
const valueTag = 0x12;
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
  readonly #knownBytes = new KnownBytes();

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
    this.#knownBytes.remember(reader, start);
    this.#known = metadata;
    return metadata;
  }

  #isKnown(reader: WireReader): boolean {
    const { at } = reader;
    if (!this.#knownBytes.skip(reader)) return false;
    // There may be more of it.
    if (reader.at === reader.end || reader.bytes[reader.at] !== pairTag) return true;
    reader.at = at;
    return false;
  }

  /** Reads the pair in the last block. */
  #readPair(reader: WireReader, metadata: Record<string, string>, place: number): boolean {
    const { bytes, at: end, end: eventEnd } = reader;
    reader.at = reader.blockStart;
    reader.end = end;
    if (bytes[reader.at++] !== keyTag) return false;
    const key = (this.#keys[place] ??= new RepeatedText()).read(reader);
    if (key === undefined || key === "__proto__" || bytes[reader.at++] !== valueTag) return false;
    const value = (this.#values[place] ??= new RepeatedText()).read(reader);
    if (value === undefined || reader.at !== end) return false;
    reader.end = eventEnd;
    metadata[key] = value;
    return true;
  }
}
