import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Agent, BridgeClient } from "@loom-bridge/client";
import { chooseAddress } from "../soak/choose-address.ts";
import { startDurableBridge } from "../soak/start-durable-bridge.ts";

const agents = 1000;
const backWithinMs = 30_000;

test("1000 agents, each with a socket of its own, are back within 30 s after their bridge was killed or stopped, and do not come at once", async (context) => {
  const folder = await mkdtemp(join(tmpdir(), "storm-"));
  const address = await chooseAddress();
  let bridge = await startDurableBridge(address, folder);
  const crowd = Array.from(
    { length: agents },
    (_, index) => new Agent({ id: `agent-${index}`, topics: ["a"], address }),
  );
  const ids = crowd.map(({ id }) => id);
  const watcher = new BridgeClient({ address });
  try {
    for (let index = 0; index < agents; index += 100) {
      await Promise.all(crowd.slice(index, index + 100).map((agent) => agent.start()));
    }
    for (const signal of ["SIGKILL", "SIGTERM"] as const) {
      const first = Promise.all(crowd.map(firstWait));
      await bridge.end(signal);
      bridge = await startDurableBridge(address, folder);
      const startedMs = performance.now();
      await watcher.waitForAgents(ids, { timeoutMs: backWithinMs });
      const backMs = performance.now() - startedMs;
      const waits = (await first).sort((one, other) => one - other);
      context.diagnostic(
        `${signal}: all back after ${Math.round(backMs)} ms; first waits ${waits[0]} to ${waits.at(-1)} ms`,
      );
      // Each waited for a time of its own choice.
      assert.ok((waits.at(agents / 4) ?? 0) + 100 < (waits.at((3 * agents) / 4) ?? 0));
      const { agents: online } = await watcher.getInfo();
      assert.equal(online, agents);
    }
  } finally {
    await Promise.all(crowd.map((agent) => agent.stop()));
    await watcher.disconnect();
    await bridge.end("SIGKILL");
    await rm(folder, { recursive: true, force: true });
  }
});

/** How long an agent waits before it comes back for the first time. */
async function firstWait(agent: Agent): Promise<number> {
  for await (const { state, nextAttemptMs } of agent.watchStatus()) {
    if (state === "reconnecting" && nextAttemptMs !== undefined) return nextAttemptMs;
  }
  return assert.fail("the agent was closed");
}
