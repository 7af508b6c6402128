import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { checkDay, exitCodeOf } from "./checks.ts";
import { expectedFromFile } from "./expected.ts";
import { Processes } from "./processes.ts";
import { createProgress } from "./progress.ts";
import { reportChecks, reportDay } from "./report.ts";
import { runDesk } from "./run-desk.ts";
import { readTape } from "./tape.ts";

// The conductor: starts a bridge and four agents, each a process of its own, lets them trade ten years of prices, and
// checks what came of it. See README.md.

const usage = `Usage: demo [--data FILE] [--pace MS]

  --data FILE  keep the bridge's memory in this new file (default: a temporary one)
  --pace MS    how long the feed waits from month to month (default: 30)`;

async function main(): Promise<number> {
  const options = readOptions();
  if (options === undefined) return 2;
  const interrupted = new AbortController();
  for (const [signal, code] of Object.entries({ SIGHUP: 129, SIGINT: 130, SIGTERM: 143 })) {
    process.on(signal, () => interrupted.abort(code));
  }
  const directory = await mkdtemp(join(tmpdir(), "market-desk-"));
  const processes = new Processes();
  const months = readTape().map(([bar]) => bar?.date);
  const progress = createProgress(months.length);
  let seen = "";
  try {
    const day = await runDesk({
      processes,
      signal: AbortSignal.any([interrupted.signal, processes.failed]),
      dataFile: options.data ?? join(directory, "memory.db"),
      paceMs: options.paceMs,
      onStart: (address) => console.log(`A bridge listens on ${address}. Four agents trade ten years of prices.\n`),
      onChange({ prices, date, announcements }) {
        seen = `${date.slice(0, 7)}  ${prices} prices, ${announcements} plans`;
        progress.show(months.indexOf(date) + 1, seen);
      },
    });
    progress.finish(seen);
    const checks = checkDay(day, expectedFromFile());
    const code = exitCodeOf(checks);
    console.log(`\n${reportDay(day)}\n\nAgainst the file of prices, worked out apart from the agents:\n`);
    console.log(reportChecks(checks));
    console.log(code === 0 ? "\nEverything adds up." : "\nThis does not add up.");
    return code;
  } catch (error) {
    // Whatever fails after an interrupt fails because of it.
    if (interrupted.signal.aborted) {
      console.error("\nInterrupted.");
      return Number(interrupted.signal.reason);
    }
    console.error(`\nThe desk failed: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  } finally {
    await processes[Symbol.asyncDispose]();
    await rm(directory, { recursive: true, force: true });
  }
}

function readOptions(): { data?: string; paceMs: number } | undefined {
  try {
    const { values } = parseArgs({ options: { data: { type: "string" }, pace: { type: "string", default: "30" } } });
    if (!/^\d{1,5}$/.test(values.pace)) throw new Error(`--pace is ${values.pace}; it must be 0 to 99999 milliseconds`);
    if (values.data === undefined) return { paceMs: Number(values.pace) };
    const data = resolve(values.data);
    // Plans of an earlier day would be duplicates of today's.
    if (existsSync(data)) throw new Error(`--data ${data} exists; a day starts with an empty memory: name a new file`);
    return { data, paceMs: Number(values.pace) };
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
    return undefined;
  }
}

process.exitCode = await main();
