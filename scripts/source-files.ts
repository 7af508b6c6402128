import { globSync } from "node:fs";

/** Every TypeScript file that people write here, by its path from the root of the repository. */
export function sourceFiles(suffix = ".ts"): string[] {
  return globSync(`{packages,tests,examples,benchmarks,scripts}/**/*${suffix}`, { exclude: isForeign })
    .map((path) => path.replaceAll("\\", "/"))
    .sort();
}

function isForeign(path: string): boolean {
  return /(^|[\\/])(node_modules|dist|gen)([\\/]|$)/.test(path);
}
