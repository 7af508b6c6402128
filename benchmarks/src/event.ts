/** An event as every peer sends and receives it. */
export interface BenchEvent {
  readonly id: string;
  readonly type: string;
  readonly timestampMs: number;
  readonly source: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** Starts with the time of sending, so that the receiver can tell the latency. */
  readonly payload: Uint8Array;
}

const metadata = { unit: "celsius" };
const prefix = "0192f3c4-7a5b-7cde-8f01-";
/** What the time of sending takes of a payload. */
export const minPayloadBytes = 8;

/** Makes event number `sequence` of a source: an id as long as a UUID, one metadata entry, and a payload of its own. */
export function createBenchEvent(source: string, sequence: number, payloadBytes: number): BenchEvent {
  const payload = new Uint8Array(payloadBytes);
  new DataView(payload.buffer).setFloat64(0, monotonicMs());
  return {
    id: prefix + String(sequence).padStart(12, "0"),
    type: "sensor.reading",
    timestampMs: Date.now(),
    source,
    metadata,
    payload,
  };
}

export function sequenceOf(event: Pick<BenchEvent, "id">): number {
  return Number(event.id.slice(prefix.length));
}

/** How long ago the event was made, in milliseconds. */
export function ageMs(event: Pick<BenchEvent, "payload">): number {
  const { buffer, byteOffset } = event.payload;
  return monotonicMs() - new DataView(buffer, byteOffset).getFloat64(0);
}

/** A clock that all processes of this host share. */
function monotonicMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e3 + nanoseconds / 1e6;
}
