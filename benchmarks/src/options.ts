import { parseArgs } from "node:util";
import type { Settings } from "./harness/lab.ts";
import { type PeerName, peerLabels } from "./peers/peers.ts";
import { suite } from "./suite/suite.ts";

export interface Options {
  /** The benchmarks to run. */
  readonly names: readonly string[];
  readonly json: boolean;
  /** Whether to write docs/benchmarks.md. */
  readonly write: boolean;
  readonly profile: boolean;
  /** Whether only to say how the command is used. */
  readonly help: boolean;
  readonly settings: Omit<Settings, "profileFolder" | "runs">;
  /** Default: each benchmark's own. */
  readonly runs: number | undefined;
}

/** After so long V8 compiles hardly anything any more; two seconds earlier that is a fifth of what a bridge does. */
const warmupSeconds = 4;

export const usage = `pnpm bench [name …] [options]

${suite.map(({ name, summary }) => `  ${name.padEnd(9)} ${summary}`).join("\n")}

  --runs N        rounds; in each, every variant runs once (default 5; agents 1)
  --seconds S     what is measured of a run (default 3)
  --peers a,b     who runs: ${Object.keys(peerLabels).join(", ")} (default all)
  --smoke         small and short, to see that everything works
  --json          the result as JSON on the standard output
  --write         the tables into docs/benchmarks.md
  --profile       CPU profiles of the measured part, and where the time went
  --help          this`;

/** @throws Error that says what is wrong with the command line. */
export function parseOptions(args: readonly string[]): Options {
  const { values, positionals } = parseArgs({
    args: args.filter((argument) => argument !== "--"),
    allowPositionals: true,
    options: {
      runs: { type: "string" },
      seconds: { type: "string" },
      peers: { type: "string" },
      smoke: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      write: { type: "boolean", default: false },
      profile: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const { smoke } = values;
  const known = suite.map(({ name }) => name);
  for (const name of positionals)
    check(known.includes(name), `no benchmark is called ${name}; there are ${known.join(", ")}`);
  const seconds = readNumber("--seconds", values.seconds, smoke ? 0.2 : 3);
  const fallbackRuns = smoke || values.profile ? 1 : undefined;
  return {
    names: positionals.length === 0 ? known : positionals,
    json: values.json,
    write: values.write,
    profile: values.profile,
    help: values.help,
    runs: values.runs === undefined ? fallbackRuns : Math.max(1, Math.round(readNumber("--runs", values.runs, 1))),
    settings: {
      seconds,
      warmupSeconds: smoke ? 0.1 : Math.min(warmupSeconds, 2 * seconds),
      smoke,
      peers: readPeers(values.peers),
    },
  };
}

function readNumber(flag: string, given: string | undefined, fallback: number): number {
  const value = given === undefined ? fallback : Number(given);
  check(value > 0 && value <= 600, `${flag} is ${given}; give a number above 0 and at most 600`);
  return value;
}

function readPeers(given: string | undefined): ReadonlySet<PeerName> {
  const known = Object.keys(peerLabels) as PeerName[];
  if (given === undefined) return new Set(known);
  const named = given.split(",");
  const chosen = known.filter((name) => named.includes(name));
  check(chosen.length === named.length, `--peers is ${given}; give some of ${known.join(",")}`);
  return new Set(chosen);
}

function check(fits: boolean, otherwise: string): void {
  if (!fits) throw new Error(otherwise);
}
