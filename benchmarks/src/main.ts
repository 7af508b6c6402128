import { globSync, mkdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { createLab, type Settings } from "./harness/lab.ts";
import { createSnapshot } from "./harness/snapshot.ts";
import { type Options, parseOptions, usage } from "./options.ts";
import { writeReport } from "./report/document.ts";
import { describeHost, renderHost } from "./report/host.ts";
import { summarizeProfile } from "./report/profile-summary.ts";
import { renderReport } from "./report/render.ts";
import type { Report } from "./report/report.ts";
import { suite } from "./suite/suite.ts";

// pnpm bench [name …]: see usage in options.ts, and docs/benchmarks.md

const defaultRuns = 5;
const profileFolder = resolve(import.meta.dirname, "../../.cache/profiles");
const interrupted = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) {
  process.on(name, () => interrupted.abort(new Error(`${name}: stopped`)));
}

try {
  await main(readOptions());
} catch (error) {
  console.error(interrupted.signal.aborted ? String(interrupted.signal.reason) : error);
  process.exitCode = 1;
}

function readOptions(): Options {
  try {
    const options = parseOptions(process.argv.slice(2));
    if (!options.help) return options;
    console.log(usage);
    process.exit(0);
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${usage}`);
    process.exit(2);
  }
}

async function main(options: Options): Promise<void> {
  if (options.profile) {
    rmSync(profileFolder, { recursive: true, force: true });
    mkdirSync(profileFolder, { recursive: true });
  }
  const host = describeHost();
  const say = (line: string): void => console.error(line);
  say(`Median (least–most). ${renderHost(host)}`);
  const snapshot = createSnapshot();
  const reports: Report[] = [];
  try {
    for (const benchmark of suite) {
      if (!options.names.includes(benchmark.name)) continue;
      const runs = options.runs ?? benchmark.runs ?? defaultRuns;
      const settings: Settings = {
        ...options.settings,
        runs,
        profileFolder: options.profile ? profileFolder : undefined,
      };
      const how = `${runs} ${runs === 1 ? "round" : "rounds"} of ${settings.seconds} s after ${settings.warmupSeconds} s`;
      say(`${benchmark.name}: ${benchmark.summary}; ${how}`);
      const report = await benchmark.run(createLab({ settings, snapshot, say, signal: interrupted.signal }));
      reports.push(report);
      if (!options.json) console.log(`\n## ${report.name}\n\n${renderReport(report)}\n`);
      if (options.write) writeReport(report, host, how);
    }
    if (options.json) console.log(JSON.stringify({ host, reports }, null, 2));
    if (options.profile) {
      for (const file of globSync("*.cpuprofile", { cwd: profileFolder }).sort()) {
        console.log(summarizeProfile(join(profileFolder, file)));
      }
    }
  } finally {
    snapshot.remove();
  }
}
