import { globSync, readFileSync } from "node:fs";
import { findBoundaryViolations } from "./boundaries.ts";

const paths = globSync("{packages,tests,examples,benchmarks,scripts}/**/*.ts", {
  exclude: (path) => /(^|[\\/])(node_modules|dist|gen)([\\/]|$)/.test(path),
});
const files = new Map(paths.map((path) => [path.replaceAll("\\", "/"), readFileSync(path, "utf8")]));
const violations = findBoundaryViolations(files);
for (const violation of violations) console.error(violation);
console.log(`${files.size} files, ${violations.length} imports across a boundary`);
if (files.size === 0 || violations.length > 0) process.exitCode = 1;
