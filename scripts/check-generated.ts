import { execFileSync } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

// Generates the messages anew, elsewhere, and compares them with the committed ones: the working tree stays as it is.
const folder = "packages/protocol/src/gen";
const scratch = mkdtempSync(join(tmpdir(), "loom-bridge-generated-"));
try {
  execFileSync("buf", ["generate", "--output", scratch], { stdio: "inherit" });
  const committed = read(folder);
  const generated = read(join(scratch, folder));
  const stale = [...new Set([...committed.keys(), ...generated.keys()])]
    .filter((file) => committed.get(file) !== generated.get(file))
    .sort();
  for (const file of stale) console.error(`${join(folder, file)} does not match proto/; run: pnpm generate`);
  if (stale.length > 0 || generated.size === 0) process.exitCode = 1;
} finally {
  rmSync(scratch, { recursive: true });
}

function read(root: string): Map<string, string> {
  const files = globSync("**/*.ts", { cwd: root });
  return new Map(files.map((file) => [file, readFileSync(join(root, file), "utf8")]));
}
