// Metadata comes from anyone. What cannot be read counts as absent: an odd value must not make an event unreadable.

export function readMilliseconds(value: string | undefined): number | undefined {
  return value !== undefined && /^[0-9]{1,15}$/.test(value) ? Number(value) : undefined;
}

/** An id of so many hex digits that is not all zeros. */
export function readHex(value: string | undefined, digits: number): string | undefined {
  if (value?.length !== digits || !/^[0-9a-f]+$/i.test(value) || /^0+$/.test(value)) return undefined;
  return value.toLowerCase();
}

/** Trace flags, one byte. Unreadable ones count as 0, and so the trace as not sampled. */
export function readFlags(value: string | undefined): number {
  return value !== undefined && /^[0-9]{1,3}$/.test(value) ? Number(value) & 0xff : 0;
}
