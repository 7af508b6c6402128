import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const main = fileURLToPath(new URL("./main.ts", import.meta.url));
const tsx = import.meta.resolve("tsx");

describe("the demo", () => {
  let directory = "";
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "demo-test-"));
  });
  after(() => rm(directory, { recursive: true, force: true }));

  test("ends with a table and totals that are those of the file", async () => {
    const { code, output } = await run(directory, "--pace", "0").ended;
    assert.equal(code, 0, output);
    assert.doesNotMatch(output, /✘/);
    for (const row of [
      /^ {2}events +1,283 +698 prices, 585 plans$/m,
      /^ {2}tool calls +1,300 +p50 \d+\.\d ms, p99 \d+\.\d ms$/m,
      /^ {2}plans +462 /m,
      /^ {2}duplicates prevented +123 /m,
      /^ {2}executions +457 +told 585 times, 5 plans still open$/m,
      /^ {2}win rate +54\.9 % +251 won, 206 lost$/m,
      /^ {2}duration +\d+\.\d s /m,
      /^ {2}✔ restarted bridge: plans still there: 462$/m,
    ]) {
      assert.match(output, row);
    }
    assert.deepEqual(await leftovers(directory), []);
  });

  test("interrupted, takes its processes and files along", async () => {
    const demo = run(directory);
    await demo.said(/10 %/);
    const children = await childrenOf(demo.process);
    demo.process.kill("SIGINT");
    const { code, output } = await demo.ended;
    assert.equal(code, 130, output);
    assert.deepEqual(children.filter(isAlive), []);
    assert.deepEqual(await leftovers(directory), []);
  });

  test("fails when one of its agents fails, and says which", async (t) => {
    const demo = run(directory);
    await demo.said(/10 %/);
    const children = await childrenOf(demo.process);
    if (children.length === 0) return t.skip("the processes cannot be found without /proc");
    const commands = await Promise.all(children.map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8")));
    const planner = children[commands.findIndex((command) => command.includes("planner.ts"))] ?? assert.fail();
    process.kill(planner, "SIGKILL");
    const { code, output } = await demo.ended;
    assert.equal(code, 1, output);
    assert.match(output, /The desk failed: planner was ended by SIGKILL before its time/);
    assert.deepEqual(children.filter(isAlive), []);
    assert.deepEqual(await leftovers(directory), []);
  });

  test("refuses to trade into a file that exists", async () => {
    const { code, output } = await run(directory, "--data", main).ended;
    assert.equal(code, 2);
    assert.match(output, /main\.ts exists; a day starts with an empty memory: name a new file/);
  });
});

interface Demo {
  readonly process: ChildProcess;
  /** Resolves when the output fits. */
  said(pattern: RegExp): Promise<void>;
  readonly ended: Promise<{ code: number | null; output: string }>;
}

function run(directory: string, ...args: string[]): Demo {
  const child = spawn(process.execPath, ["--import", tsx, main, ...args], {
    env: { ...process.env, TMPDIR: directory },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  const onData = (chunk: Buffer): void => {
    output += chunk.toString();
  };
  child.stdout.on("data", onData);
  child.stderr.on("data", onData);
  const ended = new Promise<{ code: number | null; output: string }>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, output }));
  });
  return {
    process: child,
    ended,
    async said(pattern) {
      while (!pattern.test(output)) {
        assert.equal(child.exitCode, null, `the demo ended before it said ${pattern}: ${output}`);
        await wait(20);
      }
    },
  };
}

/** The processes of the demo, where the system tells. */
async function childrenOf({ pid }: ChildProcess): Promise<number[]> {
  const list = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8").catch(() => "");
  return list.split(" ").filter(Boolean).map(Number);
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function leftovers(directory: string): Promise<string[]> {
  return (await readdir(directory)).filter((name) => name.startsWith("market-desk-"));
}
