import { LoomError } from "@loom-bridge/protocol";

const unitsMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** A length of time: milliseconds, or a number with its unit, such as `"250ms"`, `"90s"`, `"5m"`, `"1h"`, `"2d"`. */
export type Duration = number | `${number}${keyof typeof unitsMs}`;

/** @throws LoomError `invalid_argument` that shows how a duration is written. */
export function toMilliseconds(duration: Duration, field = "duration"): number {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(String(duration)) ?? [];
  const ms = typeof duration === "number" ? duration : Number(amount) * unitsMs[unit as keyof typeof unitsMs];
  if (ms >= 0) return ms;
  const message = `${field} is ${JSON.stringify(duration)}; write milliseconds from 0 up, or "250ms", "90s", "5m", "1h", "2d"`;
  throw new LoomError("invalid_argument", message, { details: { field } });
}

/** A length of time as the timeline shows it: `+0.000s`, `+90.000s`, `+1h00m00.000s`. */
export function formatElapsed(ms: number): string {
  const hours = Math.floor(ms / unitsMs.h);
  if (hours === 0) return `+${(ms / 1000).toFixed(3)}s`;
  const minutes = Math.floor((ms % unitsMs.h) / unitsMs.m);
  const seconds = ((ms % unitsMs.m) / 1000).toFixed(3).padStart(6, "0");
  return `+${hours}h${String(minutes).padStart(2, "0")}m${seconds}s`;
}
