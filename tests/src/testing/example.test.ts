import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { root } from "../docs/markdown.ts";

const folder = join(root, "examples/testing-your-agent");

test("the five tests of the example pass under vitest too", () => {
  const vitest = join(dirname(fileURLToPath(import.meta.resolve("vitest/package.json"))), "vitest.mjs");
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [vitest, "run", "--root", folder, "--testTimeout=60000", "src/desk.spec"],
    {
      encoding: "utf8",
      env: { ...env, NO_COLOR: "1", CI: "1" },
      timeout: 110_000,
    },
  );
  assert.equal(status, 0, stdout + stderr);
  assert.match(stdout, /5 passed/);
});

test("what a newcomer has to read of it fits on three pages", () => {
  const lines = globSync("src/*.ts", { cwd: folder }).flatMap((file) =>
    readFileSync(join(folder, file), "utf8").split("\n"),
  );
  assert.ok(lines.length < 150, `${lines.length} lines`);
});
