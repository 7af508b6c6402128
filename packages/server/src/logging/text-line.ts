import { timeOfDay } from "./time-of-day.ts";

/** Turns one of pino's JSON lines into a line for people: time, level, message, then the facts. */
export function toTextLine(json: string): string {
  const { level, time, msg, ...facts } = JSON.parse(json) as Record<string, unknown>;
  const pairs = Object.entries(facts).map(([name, value]) => ` ${name}=${factText(value)}`);
  return `${timeOfDay(Number(time))} ${String(level).toUpperCase().padEnd(5)} ${String(msg)}${pairs.join("")}\n`;
}

function factText(value: unknown): string {
  if (typeof value === "string" && /^[^\s"=]+$/.test(value)) return value;
  if (typeof value === "object" && value !== null && "stack" in value) return JSON.stringify(value.stack);
  return JSON.stringify(value);
}
