import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { root } from "../docs/markdown.ts";

// Runs files of tests with the runners that authors use, and reads what they print.

mkdirSync(join(root, "tests/.snippets"), { recursive: true });
const folder = mkdtempSync(join(root, "tests/.snippets/runners-"));
after(() => rmSync(folder, { recursive: true }));

const body = `
  const reader = await bridge.probe("reader", { topics: ["news"] });
  const author = await bridge.probe("author");
  await author.publish("news", { headline: "rain" });
  await bridge.clock.advance("1h");
  await reader.expectNext({ payload: { headline: "rain" } });
`;

const runners: Readonly<Record<string, { head: string; call: string; fixture: string; run: string[] }>> = {
  "node:test": {
    head: 'import { bridgeTest } from "@loom-bridge/testing/node";',
    call: "bridgeTest",
    fixture: "bridge",
    run: ["--import=tsx", "--test", "--test-reporter=spec"],
  },
  vitest: {
    head: 'import { bridgeTest } from "@loom-bridge/testing/vitest"; const run = bridgeTest();',
    call: "run.concurrent",
    fixture: "{ bridge }",
    run: [vitest(), "run", "--root", folder, "--testTimeout=60000"],
  },
};

for (const [name, { head, call, fixture, run }] of Object.entries(runners)) {
  const runTests = createRun(head, run);

  describe(name, { concurrency: 2 }, () => {
    test("runs tests on bridges of their own, many at a time", () => {
      const tests = [1, 2, 3, 4].map((index) => `${call}("test ${index}", async (${fixture}) => {${body}});`);
      const { status, output } = runTests(tests.join("\n"));
      assert.equal(status, 0, output);
      assert.match(output, /pass 4|4 passed/);
    });

    test("prints the story of a test that fails, whatever failed it", () => {
      const { status, output } = runTests(
        `${call}("fails", async (${fixture}) => {${body} bridge.tools.fake("never:called").reply(1, { times: 1 }); assert.equal(1, 2); });`,
      );
      assert.equal(status, 1, output);
      assert.match(output, /at \+1h00m00\.000s, seed 1; repeat it with: LOOM_TEST_SEED=1/);
      assert.match(output, /author → bridge {2}publishBatch news "news" \{"headline":"rain"\}/);
      assert.doesNotMatch(output, /was to be used/, "what a failed test leaves is no news");
      assert.match(output, /1 !== 2|expected 1 to|Expected values to be strictly equal/);
    });

    test("fails a test that passes and leaves something", () => {
      const { status, output } = runTests(
        `${call}("leaks", async (${fixture}) => {${body} bridge.tools.fake("never:called").reply(1, { times: 1 }); });`,
      );
      assert.equal(status, 1, output);
      assert.match(output, /fake tool never:called: reply\(1\) was to be used 1 times/);
    });
  });
}

const leak = `
  await using bridge = testBridge();
  bridge.bridge.runtime.setTimer(() => {}, 1000);
`;

describe("node:test with plain `await using`", { concurrency: 2 }, () => {
  const head = 'import { test } from "node:test"; import { testBridge } from "@loom-bridge/testing";';
  const runTests = createRun(head, ["--import=tsx", "--test", "--test-reporter=tap"]);

  test("shows the error of a test that fails and leaves something, and nothing of what it left", () => {
    const { status, output } = runTests(`test("fails", async () => {${leak} assert.equal(1, 2, "its own"); });`);
    assert.equal(status, 1, output);
    assert.match(output, /error: 'its own'|error: \|-\n *its own/);
    assert.doesNotMatch(output, /timers that nobody took back|SuppressedError/);
  });

  test("fails a test that passes and leaves something, and no other that runs at the same time", () => {
    const { status, output } = runTests(`
      test("one", { concurrency: true }, async (context) => {
        const leaking = context.test("leaks", async () => {${leak} });
        await context.test("is fine", async () => { await using bridge = testBridge(); await leaking; });
      });
    `);
    assert.equal(status, 1, output);
    assert.match(output, /not ok 1 - leaks[^]*timers that nobody took back, of bridge: 1[^]* {4}ok 2 - is fine/);
  });
});

/** Runs the tests of a text with a runner. */
function createRun(head: string, run: string[]): (text: string) => { status: number | null; output: string } {
  return (text) => {
    const file = join(folder, `file-${Math.abs(hash(head + text))}.test.ts`);
    writeFileSync(file, `${head}\nimport assert from "node:assert/strict";\n${text}`);
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const options = {
      encoding: "utf8",
      cwd: folder,
      env: { ...env, NO_COLOR: "1", CI: "1" },
      timeout: 110_000,
    } as const;
    const { status, stdout, stderr } = spawnSync(process.execPath, [...run, file], options);
    return { status, output: stdout + stderr };
  };
}

function vitest(): string {
  return join(dirname(fileURLToPath(import.meta.resolve("vitest/package.json"))), "vitest.mjs");
}

function hash(text: string): number {
  let value = 0;
  for (const character of text) value = (value * 31 + character.charCodeAt(0)) | 0;
  return value;
}
