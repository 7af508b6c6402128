import assert from "node:assert/strict";
import { test } from "node:test";
import { ConnectError } from "@connectrpc/connect";
import { ErrorInfoSchema } from "@loom-bridge/protocol/messages";
import { type TestBridge, testBridge } from "@loom-bridge/testing";
import { openSession, openStream } from "../duplex-call.ts";
import { bridgeTool } from "./bridge-tool.ts";
import { grpcStatus } from "./grpc-status.ts";
import { readTable } from "./markdown.ts";

const page = "docs/reference/errors.md";

/** How to bring about each end of a stream; by the beginning of its message. Each returns the stream that ends. */
const ends: Readonly<Record<string, (bridge: TestBridge) => Promise<() => Promise<unknown>>>> = {
  "": async (bridge) => {
    const call = await openSession(bridge.transport(), { agentId: "polite" });
    call.say({ case: "goodbye", value: { reason: "done" } });
    return call.hear;
  },
  "the first message is": async (bridge) => {
    const call = openStream(bridge.transport());
    call.say({ case: "heartbeat", value: {} });
    return call.hear;
  },
  "the stream ended before Register": async (bridge) => {
    const call = openStream(bridge.transport());
    call.endSaying();
    return call.hear;
  },
  "agent_id is": async (bridge) => {
    const call = openStream(bridge.transport());
    call.say({ case: "register", value: { agentId: "" } });
    return call.hear;
  },
  'tool "bridge:tool" is already provided': async (bridge) => {
    const call = openStream(bridge.transport());
    call.say({ case: "register", value: { agentId: "copy", tools: [{ name: "bridge:tool" }] } });
    return call.hear;
  },
  'tool "shared:tool" of': async (bridge) => {
    const tool = (type: string) => ({ name: "shared:tool", parametersSchema: JSON.stringify({ type }) });
    await openSession(bridge.transport(), { agentId: "first", tools: [tool("object")] });
    const call = openStream(bridge.transport());
    call.say({ case: "register", value: { agentId: "second", tools: [tool("array")] } });
    return call.hear;
  },
  "the stream has its session already": async (bridge) => {
    const call = await openSession(bridge.transport(), { agentId: "twice" });
    call.say({ case: "register", value: { agentId: "twice" } });
    return call.hear;
  },
  topic: async (bridge) => {
    const call = await openSession(bridge.transport(), { agentId: "publisher" });
    call.say({ case: "publish", value: { topic: "not a topic", event: {} } });
    return call.hear;
  },
  "no Register within": async (bridge) => openStream(bridge.transport()).hear,
  superseded: async (bridge) => {
    const call = await openSession(bridge.transport(), { agentId: "same" });
    await openSession(bridge.transport(), { agentId: "same" });
    return call.hear;
  },
  "no heartbeat for": async (bridge) => (await openSession(bridge.transport(), { agentId: "quiet" })).hear,
  "the bridge is shutting down": async (bridge) => {
    const call = await openSession(bridge.transport(), { agentId: "left" });
    const heard = call.hear();
    heard.catch(() => {});
    await bridge.bridge.close();
    return () => heard;
  },
};

/** What takes a peer that does not read; the tests of the session and of the bus hold these. */
const heldElsewhere = ["the subscriber took nothing for", "the agent does not read its stream"];

for (const row of readTable(page, "How streams end")) {
  const message = row["message begins"] ?? "";
  if (heldElsewhere.includes(message)) continue;
  test(`a stream ends with ${row["gRPC status"]} ${message}`, async () => {
    const bringAbout = ends[message];
    assert.ok(bringAbout !== undefined, "the table has a row that no test brings about");
    await using bridge = testBridge({ tools: [bridgeTool], strict: false });
    const hear = await bringAbout(bridge);
    if (row["gRPC status"] === "OK") return assert.equal(await bridge.run(hear()), undefined);
    await assert.rejects(bridge.run(hear()), (error) => {
      const reason = ConnectError.from(error);
      assert.equal(grpcStatus(reason.code), row["gRPC status"]);
      assert.ok(reason.rawMessage.startsWith(message), reason.rawMessage);
      const [info] = reason.findDetails(ErrorInfoSchema);
      assert.equal(info?.retryable, row["come back"] === "yes");
      return true;
    });
  });
}

test("every end of a stream that is tested here stands in the table", () => {
  const rows = readTable(page, "How streams end").map((row) => row["message begins"]);
  assert.deepEqual(new Set(rows), new Set([...Object.keys(ends), ...heldElsewhere]));
});
