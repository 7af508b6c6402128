import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { runSoak } from "./soak.ts";

const usage = `pnpm soak [--minutes 10] [--seed 1] [--agents 1000]
A bridge that keeps its events in a file, agents behind a proxy that breaks their connections, and a bridge that is
killed and stopped under them. Ends with 1 when an event was lost or handled twice, an agent did not come back, memory
grew, or something was left of the agents in the end. Memory is judged from seven minutes on.`;
const { values } = parseArgs({
  options: {
    help: { type: "boolean", short: "h", default: false },
    minutes: { type: "string", default: "10" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    agents: { type: "string", default: "1000" },
  },
  args: process.argv.slice(2).filter((argument) => argument !== "--"),
});
if (values.help) {
  say(usage);
  process.exit(0);
}
const [minutes, seed, agents] = [values.minutes, values.seed, values.agents].map(Number) as [number, number, number];
if (![minutes, seed, agents].every((value) => Number.isFinite(value) && value >= 0)) {
  say("--minutes, --seed and --agents are numbers");
  process.exit(2);
}
const directory = await mkdtemp(join(tmpdir(), "loom-soak-"));
try {
  say(`pnpm soak --minutes ${minutes} --seed ${seed} --agents ${agents}`);
  const problems = await runSoak({ minutes, seed, agents, folder: directory, report: say });
  for (const problem of problems) say(`✘ ${problem}`);
  if (problems.length > 0) process.exitCode = 1;
  else say("✔ nothing lost, nothing doubled, everybody back, nothing left behind");
} finally {
  await rm(directory, { recursive: true, force: true });
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
