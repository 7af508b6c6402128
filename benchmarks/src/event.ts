/** An event as every peer sends and receives it. */
export interface BenchEvent {
  readonly id: string;
  readonly type: string;
  readonly timestampMs: number;
  readonly source: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** Starts with the time of sending where the latency is measured. */
  readonly payload: Uint8Array;
}

const metadata = { unit: "celsius" };
const prefix = "0192f3c4-7a5b-7cde-8f01-01";
/** With it the numbers of all ids have ten digits. */
const firstId = 1_000_000_000;
/** V8 remembers the text of each number that it converts, until it collects everything: these are converted once. */
const lastDigits: readonly string[] = Array.from({ length: 10_000 }, (_, number) => String(number).padStart(4, "0"));
/** What the time of sending takes of a payload. */
export const minPayloadBytes = 8;
const slabBytes = 65_536;

/** Where payloads lie side by side: a buffer for each costs more than all else of an event. */
let slab = new Uint8Array(0);
let slabUsed = 0;
/** What the ids of ten thousand events in a row begin with. */
let idStart = prefix;
let idStartOf = -1;

/** Makes event number `sequence` of a source: an id as long as a UUID, one metadata entry, and a payload of its own. */
export function createBenchEvent(source: string, sequence: number, payloadBytes: number): BenchEvent {
  return {
    id: createId(firstId + sequence),
    type: "sensor.reading",
    timestampMs: Date.now(),
    source,
    metadata,
    payload: takePayload(payloadBytes),
  };
}

/** The same with the time of sending. */
export function createTimedEvent(source: string, sequence: number, payloadBytes: number): BenchEvent {
  const event = createBenchEvent(source, sequence, payloadBytes);
  new DataView(event.payload.buffer, event.payload.byteOffset).setFloat64(0, monotonicMs());
  return event;
}

/** Read digit by digit, for every event is asked. */
export function sequenceOf({ id }: Pick<BenchEvent, "id">): number {
  let number = 0;
  for (let at = prefix.length; at < id.length; at += 1) number = number * 10 + id.charCodeAt(at) - 48;
  return number - firstId;
}

/** How long ago a timed event was made, in milliseconds. */
export function ageMs(event: Pick<BenchEvent, "payload">): number {
  const { buffer, byteOffset } = event.payload;
  return monotonicMs() - new DataView(buffer, byteOffset).getFloat64(0);
}

function createId(number: number): string {
  const start = Math.floor(number / lastDigits.length);
  if (start !== idStartOf) {
    idStartOf = start;
    idStart = `${prefix}${start}`;
  }
  return idStart + (lastDigits[number % lastDigits.length] as string);
}

function takePayload(bytes: number): Uint8Array {
  if (slabUsed + bytes > slab.length) {
    slab = new Uint8Array(Math.max(slabBytes, bytes));
    slabUsed = 0;
  }
  const payload = slab.subarray(slabUsed, slabUsed + bytes);
  slabUsed += bytes;
  return payload;
}

/** A clock that all processes of this host share. */
function monotonicMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e3 + nanoseconds / 1e6;
}
