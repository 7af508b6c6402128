import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { BridgeService } from "@loom-bridge/protocol/messages";
import { createBridge, serve } from "@loom-bridge/server";
import { root } from "../docs/markdown.ts";

interface Ended {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

function runConformance(...args: string[]): Promise<Ended> {
  const main = join(root, "packages/testing/src/conformance/main.ts");
  const child = spawn(process.execPath, ["--import=tsx", main, ...args], {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [output, errors] = ["", ""];
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
  return new Promise((resolve) => void child.once("close", (code) => resolve({ code, output, errors })));
}

test("the command finds that our bridge keeps its promises, and says so for machines too", async () => {
  const server = await serve(createBridge({ registerTimeoutMs: 150 }), { address: "127.0.0.1:0" });
  const { code, output, errors } = await runConformance(server.address, "--runs", "2", "--seed", "3", "--json");
  await server.close({ graceMs: 100 });
  assert.equal(code, 0, errors + output);
  const { kept, runs, seed, bridge } = JSON.parse(output) as Record<string, unknown>;
  assert.deepEqual([kept, runs, seed], [true, 2, 3]);
  assert.match(String(bridge), /^loom-bridge \d/);
});

test("a bridge that breaks a promise is told which one, and what was done to it", async () => {
  const adapter = connectNodeAdapter({
    routes: ({ service }) =>
      service(BridgeService, {
        getInfo: () => ({ name: "half a bridge", version: "0" }),
        async *stream() {
          yield { delivery: { case: "ack", value: { success: false, message: "not today" } } };
        },
      }),
  });
  const server = createServer(adapter).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  const { code, output } = await runConformance(`127.0.0.1:${port}`, "--runs", "5");
  server.close();
  assert.equal(code, 1, output);
  assert.match(output, /half a bridge 0 at .* broke a promise, seed 1\.\n.+\n\nWhat was done:\n {2}\S/);
});

test("what cannot be judged is told apart from what is broken, with what to do", async () => {
  const [nobody, nowhere, wrong, help] = await Promise.all([
    runConformance("127.0.0.1:1", "--runs", "1"),
    runConformance(),
    runConformance("127.0.0.1:1", "--runs", "none"),
    runConformance("--help"),
  ]);
  assert.deepEqual([nobody.code, nowhere.code, wrong.code, help.code], [2, 2, 2, 0]);
  assert.match(nobody.errors, /ECONNREFUSED/);
  assert.match(nowhere.errors, /which bridge\? Give its address, such as localhost:50051/);
  assert.match(wrong.errors, /--runs is "none"; it must be a whole number from 1 up/);
  assert.match(help.output, /^Usage: loom-bridge-conformance <address>/);
  const page = await readFile(join(root, "docs/reference/cli.md"), "utf8");
  assert.ok(page.includes(`\`\`\`text\n${help.output}\`\`\`\n`), "docs/reference/cli.md has another help");
});
