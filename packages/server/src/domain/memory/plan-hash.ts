import { createHash } from "node:crypto";
import type { Plan } from "./memory-store.ts";

/**
 * Names a plan by what it says: 16 hexadecimal digits over symbol, action and reasoning. Each part goes in behind its
 * length, so that no two different plans read the same ("A|B" with "C" is not "A" with "B|C").
 */
export function planHash(plan: Pick<Plan, "symbol" | "action" | "reasoning">): string {
  const hash = createHash("sha256");
  for (const part of [plan.symbol, plan.action, plan.reasoning]) {
    hash.update(`${Buffer.byteLength(part)}:`).update(part);
  }
  return hash.digest("hex").slice(0, 16);
}
