import { DropReasonSchema } from "@loom-bridge/protocol/messages";
import { enumName } from "./output.ts";

/** Lost events by reason, such as `{ "queue-full": 5 }`. */
export function byReason(
  drops: readonly { readonly reason: number; readonly count: number | bigint }[],
): Record<string, number> {
  return Object.fromEntries(drops.map(({ reason, count }) => [enumName(DropReasonSchema, reason), Number(count)]));
}

/** For example `7 (queue-full 5, replaced 2)`. */
export function withReasons(dropped: number, drops: Readonly<Record<string, number>>): string {
  const reasons = Object.entries(drops).map(([reason, count]) => `${reason} ${count}`);
  return reasons.length === 0 ? String(dropped) : `${dropped} (${reasons.join(", ")})`;
}
