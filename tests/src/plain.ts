/** What differs from run to run, whatever is said: times, and what a bridge makes up. */
const passing = /(?:Ms|epoch|logId|offset|version|memoryStore|traceId|spanId|fencingToken)$/i;
const madeUp = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\d{13,}|\d+ ms/g;

/** Any value as JSON, its keys in order, without what differs from run to run. */
export function plain(value: unknown): string {
  return JSON.stringify(strip(value)) ?? "nothing";
}

function strip(value: unknown): unknown {
  if (typeof value === "bigint") return String(value);
  // A 32-bit number is told with all the digits of a 64-bit one, or with as many as it has.
  if (typeof value === "number") return Math.fround(value);
  if (typeof value === "string") return value.replaceAll(madeUp, "…");
  if (value instanceof Uint8Array) return strip(Buffer.from(value).toString("latin1"));
  if (value instanceof Map) return strip(Object.fromEntries(value));
  if (Array.isArray(value)) return value.map(strip);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([key]) => !key.startsWith("$"));
  const ordered = entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(ordered.map(([key, part]) => [key, passing.test(key) ? "…" : strip(part)]));
}
