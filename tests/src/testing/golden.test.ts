import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { Transport } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { Agent, BridgeClient, type Envelope } from "@loom-bridge/client";
import { createBridge, serve } from "@loom-bridge/server";
import { testBridge } from "@loom-bridge/testing";
import { matchGolden, recordTransport, replay, Transcript } from "@loom-bridge/testing/golden";
import { root } from "../docs/markdown.ts";

const kept = join(root, "tests/golden/desk-and-customer.jsonl");

/** Two agents that talk, on whatever bridge. Each step ends before the next begins. */
async function talk(
  transport: (link: string) => Transport,
  run: <T>(work: Promise<T>) => Promise<T>,
): Promise<Transcript> {
  const transcript = new Transcript();
  const clientOf = (link: string): BridgeClient =>
    new BridgeClient({ transport: recordTransport(transport(link), transcript, link) });
  const onEvent = (context: { reply(payload: object): Promise<unknown> }, envelope: Envelope): Promise<unknown> =>
    context.reply({ filled: envelope.json() });
  const desk = new Agent({ id: "desk", topics: ["orders.*"], client: clientOf("desk"), onEvent });
  const customer = new Agent({ id: "customer", client: clientOf("customer") });
  await run(desk.start());
  await run(customer.start());
  await run(customer.request("orders.new", { id: 1 }));
  await assert.rejects(run(customer.callTool("nobody:has")), { toolCode: "NOT_FOUND" });
  await run(customer.memory.savePlan({ symbol: "BTC", action: "BUY" }));
  await run(customer.stop());
  await run(desk.stop());
  return transcript;
}

async function talkOnSockets(): Promise<Transcript> {
  const server = await serve(createBridge(), { address: "127.0.0.1:0" });
  try {
    return await talk(
      () => createGrpcTransport({ baseUrl: server.url }),
      (work) => work,
    );
  } finally {
    await server.close({ graceMs: 100 });
  }
}

test("what was recorded on a real bridge is answered alike in memory, message by message", async () => {
  const recorded = Transcript.parse(String(await talkOnSockets()));
  await using bridge = testBridge({ onUnfaked: "ignore" });
  const replayed = await replay(recorded, bridge);
  assert.deepEqual(replayed.toSpoken(), recorded.toSpoken());
  assert.ok(recorded.toSpoken().length > 20, `${recorded.toSpoken().length} messages`);
});

test("a transcript of last time is answered today as it was then", async () => {
  if (process.env["UPDATE_GOLDEN"] === "1") matchGolden(await talkOnSockets(), kept);
  await using bridge = testBridge({ onUnfaked: "ignore" });
  await replay(Transcript.parse(readFileSync(kept, "utf8")), bridge);
});

test("an answer that is another one is shown with those before it, and what to do when it is right", async () => {
  const recorded = await talkOnSockets();
  const folder = mkdtempSync(join(tmpdir(), "golden-"));
  const path = join(folder, "kept.jsonl");
  assert.throws(() => matchGolden(recorded, path), /there is no golden transcript .*\n\nmake it with: UPDATE_GOLDEN=1/);
  process.env["UPDATE_GOLDEN"] = "1";
  matchGolden(recorded, path);
  delete process.env["UPDATE_GOLDEN"];
  matchGolden(recorded, path);
  const shorter = Transcript.parse(String(recorded).split("\n").slice(0, -3).join("\n"));
  assert.throws(() => matchGolden(shorter, path), /message \d+ is not as in .*and this one says:\nnothing more/s);
  rmSync(folder, { recursive: true });
});
