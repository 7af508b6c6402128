import assert from "node:assert/strict";
import { test } from "node:test";
import { createAgent } from "../agent.ts";
import { BridgeClient } from "../bridge-client.ts";
import { settle } from "../fake-runtime.test-helper.ts";
import { ScriptedBridge } from "../scripted-bridge.test-helper.ts";

/** Sockets and timers that this process has open. */
function handles(): string[] {
  return process.getActiveResourcesInfo().filter((name) => /TCP|Timeout|TLS/.test(name));
}

for (const owner of ["the author", "the agent"]) {
  test(`no socket and no timer is left of a client that belongs to ${owner}`, async () => {
    const bridge = new ScriptedBridge();
    const server = await bridge.listen();
    await settle();
    const before = handles();
    for (let round = 0; round < 20; round += 1) {
      const client = new BridgeClient({ address: server.address });
      const own = { address: server.address };
      const agent = createAgent({ id: "me", client: owner === "the agent" ? own : client, topics: ["a"] });
      const [stream] = await Promise.all([bridge.acceptAgent(), agent.start()]);
      const publishing = agent.publish("x", { type: "t" });
      await stream.receive("publishBatch");
      stream.receipt(1n, 1);
      await publishing;
      await (owner === "the agent" ? agent.stop() : client.disconnect());
      assert.ok(handles().length <= before.length + 1, "only the bridge's end may still be open");
      while (server.sessions.size > 0) await settle(1);
    }
    await settle();
    assert.deepEqual(handles(), before);
    await server.close();
  });
}
