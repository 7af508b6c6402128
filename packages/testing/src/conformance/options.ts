import { parseArgs } from "node:util";

/** What the command was asked for. */
export interface ConformanceOptions {
  readonly address: string;
  readonly runs: number;
  readonly seed: number;
  readonly token: string | undefined;
  /** The path of a file of certificates to trust. */
  readonly ca: string | undefined;
  readonly json: boolean;
}

export const usage = `Usage: loom-bridge-conformance <address> [options]

Holds a bridge to the promises of the Loom Bridge protocol: connects made-up agents to it, lets them
publish, call each other, fail, fall silent and leave, and compares everything that they hear with a
reference model. The bridge may be written in any language. It must be for this alone: nobody else may
use it meanwhile. What it promises: https://github.com/loom-bridge/loom-bridge/blob/main/docs/reference/promises.md

  <address>      host:port, http://host:port or https://host:port

Options:
  --runs <n>     sequences of actions to try; default 20, about a minute
  --seed <n>     which sequences; default 1. The same seed makes the same sequences
  --token <t>    a bearer token for a bridge that asks who calls; default LOOM_BRIDGE_TOKEN
  --ca <file>    certificates to trust, in PEM, for an https address
  --json         print one JSON document instead of lines
  --help         print this

Exit code: 0 when every promise was kept, 1 when one was broken, 2 when the bridge could not be judged.`;

/** @throws Error that names the argument. Undefined: help was asked for. */
export function parseOptions(args: readonly string[]): ConformanceOptions | undefined {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      runs: { type: "string", default: "20" },
      seed: { type: "string", default: "1" },
      token: { type: "string" },
      ca: { type: "string" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return undefined;
  const [address, ...others] = positionals;
  if (address === undefined) throw new Error("which bridge? Give its address, such as localhost:50051");
  if (others.length > 0) throw new Error(`one address at a time; ${others.join(" ")} is too much`);
  const token = values.token ?? process.env["LOOM_BRIDGE_TOKEN"];
  const { ca, json } = values;
  return {
    address,
    runs: toNumber("--runs", values.runs, 1),
    seed: toNumber("--seed", values.seed, 0),
    token,
    ca,
    json,
  };
}

function toNumber(name: string, text: string, least: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= least) return value;
  throw new Error(`${name} is ${JSON.stringify(text)}; it must be a whole number from ${least} up`);
}
