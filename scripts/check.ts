import { spawnSync } from "node:child_process";
import { delimiter, join } from "node:path";

// pnpm check [step …]
// Runs every check that is no test, or the named ones. Prints a line a step, and what a failing step had to say.

const steps: Record<string, string[][]> = {
  types: [["tsc", "-b"]],
  format: [["biome", "ci", "--colors=off", "."]],
  lint: [["oxlint"]],
  boundaries: [script("check-boundaries.ts")],
  generated: [script("check-generated.ts")],
  protocol: [
    ["buf", "lint"],
    ["buf", "format", "--diff", "--exit-code"],
    ["buf", "breaking", "--against", "proto/baseline.binpb"],
  ],
  unused: [["knip", "--no-config-hints"]],
  packages: [script("check-packages.ts")],
  size: [script("bundle.ts"), ["size-limit"]],
};

const environment = {
  ...process.env,
  // Without pnpm too.
  PATH: [join(import.meta.dirname, "../node_modules/.bin"), process.env["PATH"]].join(delimiter),
  // oxlint takes CI for a terminal.
  ...(process.stdout.isTTY ? { FORCE_COLOR: "1" } : { NO_COLOR: "1", FORCE_COLOR: undefined, CI: undefined }),
};

const named = process.argv.slice(2);
const unknown = named.filter((name) => !(name in steps));
if (unknown.length > 0) {
  console.error(`No check is called ${unknown.join(", ")}. There are: ${Object.keys(steps).join(", ")}.`);
  process.exit(2);
}

const failed: string[] = [];
for (const [name, commands] of Object.entries(steps)) {
  if (named.length > 0 && !named.includes(name)) continue;
  const started = performance.now();
  const output = commands.map(run).join("");
  const seconds = ((performance.now() - started) / 1000).toFixed(1).padStart(5);
  console.log(`${output === "" ? "✔" : "✘"} ${name.padEnd(12)}${seconds} s`);
  if (output !== "") {
    failed.push(name);
    console.log(output.replaceAll(/^/gm, "    "));
  }
}
if (failed.length > 0) {
  console.log(`Failed: ${failed.join(", ")}. Run one alone with: pnpm check ${failed[0]}`);
  process.exitCode = 1;
}

/** Returns what a command said, if it failed. */
function run([command = "", ...rest]: string[]): string {
  const result = spawnSync(command, rest, { encoding: "utf8", env: environment, stdio: ["ignore", "pipe", "pipe"] });
  if (result.status === 0) return "";
  const said = `${result.stdout ?? ""}${result.stderr ?? ""}`.trimEnd();
  return `$ ${[command, ...rest].join(" ")}\n${result.error?.message ?? said}\nexit ${result.status ?? result.signal}\n`;
}

function script(file: string): string[] {
  return [process.execPath, "--import=tsx", join("scripts", file)];
}
