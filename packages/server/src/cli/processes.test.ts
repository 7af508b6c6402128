import assert from "node:assert/strict";
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const main = fileURLToPath(new URL("main.ts", import.meta.url));

interface RunningProcess {
  readonly child: ChildProcessByStdio<null, Readable, Readable>;
  /** The next line of the standard output. */
  readonly nextLine: () => Promise<string>;
  /** The exit code and all of the standard error output. */
  readonly ended: Promise<{ readonly code: number | null; readonly errors: string }>;
}

function spawnCommand(...args: string[]): RunningProcess {
  const child = spawn(process.execPath, ["--import", "tsx", main, ...args], {
    env: { PATH: process.env["PATH"], NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
  return {
    child,
    nextLine: async () => String((await lines.next()).value),
    ended: once(child, "close").then(([code]) => ({ code: code as number | null, errors })),
  };
}

test("up serves publish, subscribe, call and doctor, and SIGTERM ends it and its streams in order", async (t) => {
  const up = spawnCommand("up", "--port", "0", "--json", "--log-format", "json", "--grace-ms", "5000");
  t.after(() => up.child.kill("SIGKILL"));
  const { event, address, pid } = JSON.parse(await up.nextLine()) as Record<string, string | number>;
  assert.equal(event, "listening");
  assert.equal(pid, up.child.pid);
  const to = ["--address", String(address)];

  const subscribe = spawnCommand("subscribe", "market.*", "--json", ...to);
  t.after(() => subscribe.child.kill("SIGKILL"));
  assert.equal(JSON.parse(await subscribe.nextLine()).event, "subscribed");
  const publish = spawnCommand("publish", "market.BTC", '{"usd":1}', "--json", ...to);
  const receipt = JSON.parse(await publish.nextLine()) as Record<string, unknown>;
  assert.equal(receipt["matched"], 1);
  assert.deepEqual(await publish.ended, { code: 0, errors: "" });
  const received = JSON.parse(await subscribe.nextLine()) as Record<string, unknown>;
  assert.deepEqual([received["id"], received["payload"]], [receipt["eventId"], '{"usd":1}']);

  const [call, doctor] = [spawnCommand("call", "no:tool", ...to), spawnCommand("doctor", ...to)];
  const called = await call.ended;
  assert.equal(called.code, 1);
  assert.match(called.errors, /^TOOL_NOT_FOUND NOT_FOUND: /);
  assert.deepEqual(await doctor.ended, { code: 0, errors: "" });

  up.child.kill("SIGTERM");
  const left = await subscribe.ended;
  assert.equal(left.code, 69);
  assert.match(left.errors, /the bridge is shutting down/);
  assert.equal((await up.ended).code, 0);
});
