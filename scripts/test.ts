import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";

// Runs every test that needs nothing but npm, or the files named on the command line.
const named = process.argv.slice(2);
const files =
  named.length > 0 ? named : globSync("{packages,tests,examples}/**/*.test.ts", { exclude: isSkipped }).sort();
const run = spawnSync(process.execPath, ["--import", "tsx", "--test", ...files], { stdio: "inherit" });
process.exitCode = run.status ?? 1;

function isSkipped(path: string): boolean {
  return path.includes("node_modules") || path.includes("dist");
}
