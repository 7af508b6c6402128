import { readFileSync } from "node:fs";
import type { Bar } from "./desk.ts";

const file = new URL("../data/stocks.csv", import.meta.resolve("vega-datasets"));
const quarter = 3;

/** The month-by-month prices of five shares from 2000 to 2010: one array of bars for each month, oldest first. */
export function readTape(): Bar[][] {
  const months = new Map<string, Bar[]>();
  const [, ...lines] = readFileSync(file, "utf8").trim().split("\n");
  for (const line of lines) {
    const [symbol = "", day = "", price = ""] = line.split(",");
    const date = new Date(`${day} UTC`).toISOString().slice(0, 10);
    const bars = months.get(date) ?? [];
    bars.push({ symbol, date, price: Number(price) });
    months.set(date, bars);
  }
  return [...months.entries()].sort(([a], [b]) => a.localeCompare(b)).map(([, bars]) => bars);
}

/**
 * The tape as a real feed delivers it. After every December the line is renewed, and the feed sends the last quarter
 * once more, so that nobody can have missed a bar. Those bars come twice.
 */
export function asDelivered(tape: readonly Bar[][]): Bar[][] {
  return tape.flatMap((bars, index) => {
    const isDecember = bars[0]?.date.slice(5, 7) === "12";
    return isDecember ? [bars, ...tape.slice(index + 1 - quarter, index + 1)] : [bars];
  });
}
