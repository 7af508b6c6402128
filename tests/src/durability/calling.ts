import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { Agent, BridgeClient, defineTool } from "@loom-bridge/client";
import { z } from "zod";
import { untilAnswered } from "./until-answered.ts";
import { reconnect, type Work } from "./work.ts";

const callers = 4;

/** Calls a tool, each time with another key and each until its outcome is known. */
export async function startCalling(address: string): Promise<Work> {
  const runs = new Map<string, number>();
  const results = new Map<string, string>();
  const unknown = new Set<string>();
  const count = defineTool({
    name: "count",
    description: "Counts the runs of each key",
    input: z.object({ key: z.string() }),
    run: ({ key }) => {
      runs.set(key, (runs.get(key) ?? 0) + 1);
      return `${key} ${runs.get(key)}`;
    },
  });
  const client = new BridgeClient({ address });
  const provider = new Agent({ id: "provider", address, reconnect, tools: [count] });
  await provider.start();
  const call = async (key: string) => {
    const request = { name: "count", arguments: JSON.stringify({ key }), idempotencyKey: key };
    for (;;) {
      const [{ output, error }] = await untilAnswered(() => client.forwardToolCall(request));
      if (error === undefined) return output;
      // The provider comes back after the bridge.
      if (error.details["outcome"] === "NOT_RUN") {
        await pause(5);
        continue;
      }
      assert.equal(error.details["outcome"], "UNKNOWN");
      return undefined;
    }
  };
  let stopping = false;
  let keys = 0;
  const work = async (): Promise<void> => {
    while (!stopping) {
      keys += 1;
      const key = `key${keys}`;
      const output = await call(key);
      if (output === undefined) unknown.add(key);
      else results.set(key, output);
    }
  };
  const running = Promise.all(Array.from({ length: callers }, work));
  return {
    what: "calls",
    get acknowledged() {
      return results.size;
    },
    async stop() {
      stopping = true;
      await running;
    },
    async verify() {
      for (const [key, output] of results) {
        assert.equal(await call(key), output);
        assert.equal(output, JSON.stringify(`${key} 1`));
        assert.equal(runs.get(key), 1, `${key} ran once`);
      }
      for (const key of unknown) {
        assert.equal(await call(key), undefined);
        assert.ok((runs.get(key) ?? 0) <= 1, `${key} ran ${runs.get(key)} times`);
      }
      await provider.stop();
      await client.disconnect();
    },
  };
}
