import { z } from "zod";

/** A time as ISO 8601 writes it. */
export function isoTime(ms: number): string {
  return z.coerce.date().parse(ms).toISOString();
}
