import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { Agent, BridgeClient, defineTool } from "@loom-bridge/client";
import { ActionService, MemoryService } from "@loom-bridge/protocol/messages";
import { z } from "zod";
import { startBridgeProcess } from "./bridge-process.ts";

const callers = 8;
/** How many results the callers get before the bridge is killed under them. */
const resultsBeforeKill = 200;

test("a killed bridge runs no call with a key twice, and gives what it acknowledged again", {
  timeout: 60_000,
}, async () => {
  const directory = await mkdtemp(join(tmpdir(), "kill-calls-"));
  try {
    const dataFile = join(directory, "memory.db");
    const runs = new Map<string, number>();
    const acknowledged = new Map<string, string>();
    const sent = new Set<string>();
    const call = (key: string) => ({ name: "count", arguments: JSON.stringify({ key }), idempotencyKey: key });
    let address = "127.0.0.1:0";
    {
      await using bridge = await startBridgeProcess(address, dataFile);
      address = bridge.address;
      await using provider = await startProvider(address, runs);
      const { actions } = rawClients(address);
      let killed: Promise<void> | undefined;
      const caller = async (name: number): Promise<never> => {
        for (let index = 0; ; index += 1) {
          const key = `${name}-${index}`;
          sent.add(key);
          const { output, error } = await actions.forwardToolCall(call(key));
          assert.equal(error, undefined);
          acknowledged.set(key, output);
          if (acknowledged.size === resultsBeforeKill) killed = bridge.kill();
        }
      };
      const outcomes = await Promise.allSettled(Array.from({ length: callers }, (_, name) => caller(name)));
      await killed;
      assert.ok(outcomes.every((outcome) => outcome.status === "rejected" && outcome.reason instanceof ConnectError));
      assert.equal(provider.id, "provider");
    }
    await using bridge = await startBridgeProcess(address, dataFile);
    await using _provider = await startProvider(bridge.address, runs);
    const { actions } = rawClients(bridge.address);
    for (const key of sent) {
      const { output, error } = await actions.forwardToolCall(call(key));
      if (acknowledged.has(key)) assert.equal(output, acknowledged.get(key));
      // It ran under the killed bridge, or was about to; or the killed bridge never heard of it.
      else if (error !== undefined) assert.equal(error.details["outcome"], "UNKNOWN");
      assert.ok((runs.get(key) ?? 0) <= 1, `${key} ran ${runs.get(key)} times`);
    }
    assert.ok(sent.size > acknowledged.size);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});

test("a killed bridge knows its claims again, and gives no token twice", { timeout: 60_000 }, async () => {
  const directory = await mkdtemp(join(tmpdir(), "kill-claims-"));
  try {
    const dataFile = join(directory, "memory.db");
    const tokens: bigint[] = [];
    let address = "127.0.0.1:0";
    for (let life = 0; life < 3; life += 1) {
      await using bridge = await startBridgeProcess(address, dataFile);
      address = bridge.address;
      const { memory } = rawClients(address);
      if (life > 0) {
        const plan = { sessionId: "s", planHash: `held-${life - 1}` };
        const { claimed, heldBy } = await memory.claimExecution({ ...plan, holder: "thief" });
        assert.deepEqual([claimed, heldBy], [false, "owner"]);
        await assert.rejects(
          memory.markExecuted(plan),
          (error) => error instanceof ConnectError && error.code === Code.FailedPrecondition,
        );
        const mark = await memory.markExecuted({ ...plan, fencingToken: tokens.at(-1) ?? 0n });
        assert.equal(mark.alreadyExecuted, false);
      }
      for (const planHash of [`released-${life}`, `held-${life}`]) {
        const claim = { sessionId: "s", planHash, holder: "owner", leaseMs: 3_600_000 };
        const { claimed, fencingToken } = await memory.claimExecution(claim);
        assert.ok(claimed && fencingToken > (tokens.at(-1) ?? 0n));
        tokens.push(fencingToken);
        if (planHash.startsWith("released")) await memory.releaseExecution({ sessionId: "s", planHash, fencingToken });
      }
      await bridge.kill();
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});

function rawClients(address: string) {
  const transport = createGrpcTransport({ baseUrl: `http://${address}` });
  return { actions: createClient(ActionService, transport), memory: createClient(MemoryService, transport) };
}

async function startProvider(address: string, runs: Map<string, number>): Promise<AsyncDisposable & { id: string }> {
  const client = new BridgeClient({ address });
  const count = defineTool({
    name: "count",
    description: "Counts the runs of each key",
    input: z.object({ key: z.string() }),
    run: ({ key }) => {
      runs.set(key, (runs.get(key) ?? 0) + 1);
      return `${key} ${runs.get(key)}`;
    },
  });
  const agent = new Agent({ id: "provider", client, tools: [count] });
  await agent.start();
  return {
    id: "provider",
    async [Symbol.asyncDispose]() {
      await agent.stop().catch(() => {});
      await client.disconnect();
    },
  };
}
