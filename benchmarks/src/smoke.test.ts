import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { describe, it } from "node:test";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Report } from "./report/report.ts";
import { suite } from "./suite/suite.ts";

const main = fileURLToPath(new URL("main.ts", import.meta.url));

describe("pnpm bench", () => {
  it("--smoke runs every benchmark to its end and has ratios for each", async () => {
    const child = run(["--smoke", "--json"]);
    const output = collect(child.stdout);
    const errors = collect(child.stderr);
    const [code] = (await once(child, "close")) as [number | null];
    assert.equal(code, 0, errors());

    const { reports } = JSON.parse(output()) as { reports: Report[] };
    assert.deepEqual(
      reports.map(({ name }) => name),
      suite.map(({ name }) => name),
    );
    for (const { name, rows, ratios } of reports) {
      assert.ok(rows.length > 0 && ratios.length > 0, `${name} has ${rows.length} rows and ${ratios.length} ratios`);
      for (const { what, value } of ratios) assert.ok(Number.isFinite(value), `${name}: ${what} is ${value}`);
    }
  });

  for (const signal of ["SIGINT", "SIGTERM", "SIGKILL"] as const) {
    it(`leaves no process behind after ${signal}`, async () => {
      const child = run(["events", "--smoke", "--runs", "500", "--peers", "loom,nats"]);
      const errors = collect(child.stderr);
      await until(() => errors().includes("1/500 Loom Bridge"), errors);
      child.kill(signal);
      await once(child, "close");
      await until(() => !isGroupAlive(child), errors);
    });
  }

  it("refuses a benchmark that does not exist, and names those that do", async () => {
    const child = run(["evnets"]);
    const errors = collect(child.stderr);
    const [code] = (await once(child, "close")) as [number | null];
    assert.equal(code, 2);
    assert.match(errors(), /no benchmark is called evnets; there are events, fanout/);
  });
});

/** In a process group of its own, so that the test sees who is left of it. */
function run(args: readonly string[]) {
  return spawn(process.execPath, ["--import=tsx", main, ...args], {
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 110_000,
    killSignal: "SIGKILL",
  });
}

function collect(stream: NodeJS.ReadableStream): () => string {
  let text = "";
  stream.on("data", (chunk: Buffer) => {
    text += chunk.toString();
  });
  return () => text;
}

async function until(holds: () => boolean, explain: () => string): Promise<void> {
  for (let tries = 0; tries < 600; tries += 1) {
    if (holds()) return;
    await setTimeout(100);
  }
  assert.fail(`it did not happen within a minute\n${explain()}`);
}

function isGroupAlive({ pid = 0 }: ChildProcess): boolean {
  try {
    process.kill(-pid, 0);
    return true;
  } catch {
    return false;
  }
}
