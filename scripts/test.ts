import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";

// pnpm test [--node-flag=value …] [file …]
// Runs the named test files, or every test that needs nothing but npm, on the Node that runs this script.
const given = process.argv.slice(2).filter((argument) => argument !== "--");
const flags = given.filter((argument) => argument.startsWith("-"));
const named = given.filter((argument) => !argument.startsWith("-"));
const files =
  named.length > 0 ? named : globSync("{packages,tests,examples,benchmarks,scripts}/**/*.test.ts", { exclude }).sort();

const defaults = [
  "--import=tsx",
  "--test",
  // Tests open real sockets and processes: more files at once than this makes them slow rather than quick.
  "--test-concurrency=2",
  // Of a test, and of a file with all its tests. A file that leaks a handle fails here instead of hanging.
  "--test-timeout=240000",
  // Said for both Nodes, because they differ in what they choose for a pipe.
  ...(flags.some((flag) => flag.startsWith("--test-reporter"))
    ? []
    : [`--test-reporter=${process.stdout.isTTY ? "spec" : "tap"}`]),
];
console.error(`${files.length} test files on Node ${process.version}`);
// Of a flag that stands twice Node takes the last, so the command line wins over the defaults.
const run = spawnSync(process.execPath, [...defaults, ...flags, ...files], { stdio: "inherit" });
if (run.error !== undefined) throw run.error;
process.exitCode = run.status ?? 1;

function exclude(path: string): boolean {
  return /(^|\/)(node_modules|dist)(\/|$)/.test(path);
}
