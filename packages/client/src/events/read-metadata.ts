import { readEnvelopeKey } from "@loom-bridge/protocol";

// Metadata comes from anyone. What cannot be read counts as absent: an odd value must not make an event unreadable.

type Metadata = Readonly<Record<string, string>>;

export function readMilliseconds(metadata: Metadata, key: string): number | undefined {
  const value = readEnvelopeKey(metadata, key);
  if (value === undefined || !/^[0-9]{1,15}$/.test(value)) return undefined;
  return Number(value);
}

/** An id of so many hex digits that is not all zeros. */
export function readHex(metadata: Metadata, key: string, digits: number): string | undefined {
  const value = readEnvelopeKey(metadata, key)?.toLowerCase();
  if (value === undefined || value.length !== digits || !/^[0-9a-f]+$/.test(value) || /^0+$/.test(value))
    return undefined;
  return value;
}

/** Trace flags, one byte. Unreadable ones count as 0, and so the trace as not sampled. */
export function readFlags(metadata: Metadata, key: string): number {
  const value = readEnvelopeKey(metadata, key);
  if (value === undefined || !/^[0-9]{1,3}$/.test(value)) return 0;
  return Number(value) & 0xff;
}
