import { readFileSync } from "node:fs";

// What the day must come to, worked out from the file of prices alone. Shares nothing with the agents on purpose: an
// error would have to be made twice, in two different ways, to go unnoticed.

export interface Expected {
  readonly prices: number;
  readonly toolCalls: number;
  readonly plans: number;
  readonly duplicates: number;
  readonly announcements: number;
  readonly executions: number;
  readonly open: number;
  readonly wins: number;
  readonly losses: number;
  readonly volumeUsd: number;
  readonly profitUsd: number;
}

export function expectedFromFile(): Expected {
  const rows = readFileSync(new URL("../data/stocks.csv", import.meta.resolve("vega-datasets")), "utf8").split("\n");
  const quotes = rows.slice(1).filter((row) => row !== "");
  const days = {
    prices: 0,
    toolCalls: 0,
    plans: 0,
    duplicates: 0,
    open: 0,
    wins: 0,
    losses: 0,
    volume: 0,
    profit: 0,
  };

  for (const symbol of ["MSFT", "AMZN", "IBM", "GOOG", "AAPL"]) {
    // The file has each share's rows together, oldest first: "MSFT,Jan 1 2000,39.81".
    const own = quotes.filter((row) => row.startsWith(`${symbol},`));
    const price = own.map((row) => Number(row.slice(row.lastIndexOf(",") + 1)));
    // October to December are delivered twice.
    const times = own.map((row) => (/,(Oct|Nov|Dec) /.test(row) ? 2 : 1));

    for (let i = 0; i < own.length; i += 1) {
      const now = at(price, i);
      days.prices += at(times, i);
      if (i < 9) continue; // Ten prices make an average.
      days.toolCalls += 2 * at(times, i);

      let sum = 0;
      for (let k = i - 9; k <= i; k += 1) sum += at(price, k);
      const up = now > (sum / 10) * 1.02;
      const down = now < (sum / 10) * 0.98;
      if (!up && !down) continue;
      days.plans += 1;
      days.duplicates += at(times, i) - 1;
      if (i === own.length - 1) {
        days.open += 1; // The file ends: nobody knows what became of it.
        continue;
      }

      // Sample variance in one pass: the squares' sum less the sum's square.
      let returns = 0;
      let squares = 0;
      for (let k = i - 8; k <= i; k += 1) {
        const change = (at(price, k) - at(price, k - 1)) / at(price, k - 1);
        returns += change;
        squares += change * change;
      }
      const volatility = Math.sqrt((squares - (returns * returns) / 9) / 8);
      const size = volatility < 0.05 ? 10_000 : Math.round(500 / volatility);
      const change = (at(price, i + 1) - now) / now;
      const gain = up ? change : -change;
      if (gain > 0) days.wins += 1;
      else days.losses += 1;
      days.volume += size;
      days.profit += size * gain;
    }
  }
  const { volume, profit, ...counts } = days;
  return {
    ...counts,
    announcements: days.plans + days.duplicates,
    executions: days.wins + days.losses,
    volumeUsd: volume,
    profitUsd: profit,
  };
}

function at(values: readonly number[], index: number): number {
  const value = values[index];
  if (value === undefined) throw new RangeError(`there is no row ${index}`);
  return value;
}
