import { readFileSync } from "node:fs";
import { findBoundaryViolations } from "./boundaries.ts";
import { sourceFiles } from "./source-files.ts";

const files = new Map(sourceFiles().map((path) => [path, readFileSync(path, "utf8")]));
const violations = findBoundaryViolations(files);
for (const violation of violations) console.error(violation);
console.log(`${files.size} files, ${violations.length} imports across a boundary`);
if (files.size === 0 || violations.length > 0) process.exitCode = 1;
