import assert from "node:assert/strict";
import { test } from "node:test";
import { defineTool, LoomError, ToolError } from "@loom-bridge/client";
import { z } from "zod";
import { Inbox } from "../inbox.ts";
import { everyWorld, type World } from "../world.ts";

/** What one run shows, without what differs from run to run: ids and times. */
async function play(world: World): Promise<unknown[]> {
  const seen: unknown[] = [];
  const note = async (what: string, work: Promise<unknown>): Promise<void> => {
    const result = await work.catch((error: unknown) => {
      if (!LoomError.isInstance(error)) throw error;
      return { ...error, error: error.message, toolCode: error instanceof ToolError ? error.toolCode : undefined };
    });
    seen.push([what, JSON.parse(JSON.stringify(result, hideWhatDiffers))]);
  };
  const inbox = new Inbox();
  const reader = await world.agent({ id: "reader", topics: ["a.**"], onEvent: inbox.onEvent });
  const echo = defineTool({
    name: "echo",
    description: "Returns what it gets",
    input: z.object({ text: z.string() }),
    run: ({ text }) => {
      if (text === "") throw new Error("nothing to say");
      return text;
    },
  });
  const provider = await world.agent({ id: "provider", tools: [echo] });
  const writer = await world.agent({ id: "writer" });
  const client = world.client();

  await note("publish", writer.publish("a.b", { type: "t", payload: "one" }));
  await note("publish to nobody", writer.publish("b", { type: "t" }));
  await note("publish a bad topic", writer.publish("b..c", { type: "t" }));
  await note("unary publish", client.publish({ topic: "a", event: { type: "t" } }));
  await note("unary publish of nothing", client.publish({ topic: "a.c" }));
  await note("unary publish to a bad topic", client.publish({ topic: "*", event: {} }));
  await note("call", writer.callTool("echo", { text: "hello" }));
  await note("call that fails", writer.callTool("echo", { text: "" }));
  await note("call with wrong arguments", writer.callTool("echo", { text: 1 }));
  await note("call of nothing", writer.callTool("absent"));
  await note("unary call", client.forwardToolCall({ name: "echo", arguments: '{"text":"x"}', id: "c" }));
  await note("unary call with a bad time", client.forwardToolCall({ name: "echo", timeoutMs: -1 }));
  await note("request to nobody", writer.request("nobody", "?"));
  await note("subscribe to a bad filter", reader.subscribe("a.**.b"));
  await note("second registration with a bad topic", world.agent({ id: "reader", topics: ["x y"] }));
  await note("tools", client.listTools());
  await note("agents", client.listAgents());
  await note("save", client.savePlan({ sessionId: "s", plan: { symbol: "BTC", action: "BUY", timestampMs: 1000n } }));
  await note("save nothing", client.savePlan({ sessionId: "s" }));
  await note("plans", client.getRecentPlans({ sessionId: "s" }));
  await note("stats", client.getStats());
  await provider.stop();
  await note("call after the provider left", writer.callTool("echo", { text: "hello" }));
  const newer = await world.agent({ id: "reader", topics: ["a.**"], onEvent: inbox.onEvent });
  await note("superseded", reader.closed);
  await note("publish to the newer session", writer.publish("a.b", { type: "t", payload: "two" }));
  await note("received", inbox.received(2));
  await newer.stop();
  await note("publish after it left", writer.publish("a.b", { type: "t" }));
  return seen;
}

function hideWhatDiffers(key: string, value: unknown): unknown {
  if (typeof value === "bigint") return key.endsWith("Ms") || key === "epoch" ? "…" : String(value);
  if (
    ["id", "callId", "eventId", "sessionId", "threadId", "correlationId", "epoch"].includes(key) &&
    isUuidOrNumber(value)
  )
    return "…";
  // Fields of a later version, and how a 32-bit number is told.
  if (key === "$unknown") return undefined;
  if (typeof value === "number") return Math.fround(value);
  if (key === "timestampMs" || key === "address" || key === "cause" || key === "stack") return "…";
  return value;
}

function isUuidOrNumber(value: unknown): boolean {
  return typeof value === "number" || (typeof value === "string" && /^[0-9a-f-]{36}$|^\d+$/.test(value));
}

test("every kind of bridge shows the same", async () => {
  const runs: [string, unknown[]][] = [];
  for (const [name, createWorld] of Object.entries(everyWorld)) {
    await using world = await createWorld();
    runs.push([name, await play(world)]);
  }
  const [[, first] = ["", []], ...others] = runs;
  assert.ok(first.length > 20);
  for (const [name, seen] of others) assert.deepEqual(seen, first, name);
});
