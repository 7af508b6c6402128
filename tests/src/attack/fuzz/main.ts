import { parseArgs } from "node:util";
import { spawnVictim } from "../victim.ts";
import { fuzz } from "./fuzz.ts";

const usage = `pnpm fuzz [--runs 100000] [--seed 1]
Sends that many random inputs to a bridge in a process of its own. Ends with 1 when one of them did harm.
`;
const { values } = parseArgs({
  options: {
    help: { type: "boolean", short: "h", default: false },
    runs: { type: "string", default: "100000" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
  },
  args: process.argv.slice(2).filter((argument) => argument !== "--"),
});
if (values.help) {
  process.stdout.write(usage);
  process.exit(0);
}
const [runs, seed] = [Number(values.runs), Number(values.seed)];
if (!Number.isInteger(runs) || runs < 1 || !Number.isInteger(seed)) {
  process.stderr.write("--runs and --seed are whole numbers\n");
  process.exit(2);
}
const say = (line: string): void => void process.stdout.write(`${line}\n`);
say(`pnpm fuzz --runs ${runs} --seed ${seed}`);
const victim = await spawnVictim({ limits: { badRequestsPerSec: 1_000_000, cancelledCallsPerSec: 1_000_000 } });
try {
  await fuzz(victim, { runs, seed, report: say });
  const { rssMib, p99DelayMs } = await victim.state();
  say(
    `✔ ${runs} inputs, and the bridge goes on: ${rssMib.toFixed()} MiB, ${p99DelayMs.toFixed(1)} ms late at most, 99 of 100 times`,
  );
} catch (error) {
  say(`✘ ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
} finally {
  victim.stop();
}
