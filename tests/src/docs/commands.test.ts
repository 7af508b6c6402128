import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { commandsOf, fromSource } from "./commands.ts";
import { pageNames, readBlocks, root } from "./markdown.ts";

const scripts = readJson("package.json")["scripts"] as Record<string, string>;
const packages = globSync("packages/*/package.json", { cwd: root }).map((file) => readJson(file)["name"]);
const programs = /^(?:npx|npm|loom-bridge|export) /;

for (const page of pageNames()) {
  const commands = readBlocks(page)
    .filter(({ language }) => language === "sh")
    .flatMap(commandsOf);
  if (commands.length === 0) continue;
  test(`the commands of ${page} name scripts, packages and flags that exist`, () => {
    for (const command of commands) {
      assert.match(command, programs, "no test knows this program");
      const [, script] = /^npx -y pnpm@12 (\S+)/.exec(command) ?? [];
      if (script !== undefined) assert.ok(script in scripts, `package.json has no script "${script}"`);
      for (const [name] of command.matchAll(/@loom-bridge\/[a-z-]+/g)) assert.ok(packages.includes(name), name);
      if (command.startsWith("loom-bridge up")) checkSettings(command);
    }
  });
}

/** `config` takes the flags of `up` and only shows what they mean. */
function checkSettings(up: string): void {
  const command = fromSource(up.replace("loom-bridge up", "loom-bridge config"));
  const { status, stderr } = spawnSync("sh", ["-ec", command], { cwd: root, encoding: "utf8" });
  assert.equal(status, 0, `${up}: ${stderr}`);
}

function readJson(file: string): Record<string, unknown> {
  return JSON.parse(readFileSync(join(root, file), "utf8")) as Record<string, unknown>;
}
