import { createHash } from "node:crypto";

/**
 * A short name for a plan: the first 8 hex digits of the MD5 of `symbol|action|reasoning`, as Loom's Python client
 * computes it. It names; it does not protect.
 */
export function planHash(symbol: string, action: string, reasoning: string): string {
  return createHash("md5").update(`${symbol}|${action}|${reasoning}`).digest("hex").slice(0, 8);
}
