import assert from "node:assert/strict";
import { connect, constants } from "node:http2";
import { describe, test } from "node:test";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { BridgeService } from "@loom-bridge/protocol/messages";
import { createCalloutAuthenticator } from "@loom-bridge/server";
import { createTestBridge } from "@loom-bridge/testing";
import { RawAgent } from "../raw-agent.ts";
import { all, createGuardedWorld } from "./guarded-world.ts";

const codeOf = async (attempt: Promise<unknown>): Promise<string> => {
  try {
    await attempt;
    return "ok";
  } catch (error) {
    return Code[ConnectError.from(error).code];
  }
};

test("a call is refused before a byte of its body is read", async () => {
  await using world = await createGuardedWorld({});
  const session = connect(world.server.url);
  for (const path of ["BridgeService/Stream", "BridgeService/Publish", "MemoryService/SavePlan"]) {
    const stream = session.request({
      [constants.HTTP2_HEADER_METHOD]: "POST",
      [constants.HTTP2_HEADER_PATH]: `/loom.bridge.v1.${path}`,
      [constants.HTTP2_HEADER_CONTENT_TYPE]: "application/grpc",
      te: "trailers",
    });
    stream.resume();
    // Nothing is sent of the body, and its end does not come either.
    const trailers = await new Promise<Record<string, unknown>>((resolve, reject) => {
      stream.once("trailers", resolve);
      stream.once("error", reject);
    });
    assert.equal(trailers["grpc-status"], String(Code.Unauthenticated), path);
    await new Promise((resolve) => stream.once("close", resolve));
  }
  session.close();
});

test("whoever is refused is noted with the address and no credential", async () => {
  await using world = await createGuardedWorld({});
  await codeOf(createClient(BridgeService, world.transport("s3cret")).getInfo({}));
  assert.equal(world.audit.length, 1);
  assert.equal(world.audit[0]?.["message"], "audit: credentials refused");
  assert.match(String(world.audit[0]?.["remoteAddress"]), /127\.0\.0\.1/);
  assert.doesNotMatch(JSON.stringify(world.audit), /s3cret/);
});

describe("an agent's id", () => {
  const principals = {
    alice: { subject: "alice", agentIds: ["alice-*", "shared"], grants: { topics: { subscribe: ["**"] } } },
    bob: { subject: "bob", agentIds: ["bob-*", "shared"], grants: { topics: { publish: ["**"] } } },
  };

  for (const wire of ["grpc", "connect"] as const) {
    test(`is its principal's over ${wire}: another cannot take it over, and the first is unaffected`, async () => {
      await using world = await createGuardedWorld(principals);
      await using first = await RawAgent.open(world.transport("alice", wire), { agentId: "shared", topics: ["news"] });
      for (const agentId of ["shared", "alice-1"]) {
        const attempt = RawAgent.open(world.transport("bob", wire), { agentId });
        await assert.rejects(attempt, { code: Code.PermissionDenied, rawMessage: /may not be agent/ });
      }
      await createClient(BridgeService, world.transport("bob")).publish({ topic: "news", event: { id: "e" } });
      assert.deepEqual(await first.ids(1), ["e"]);
      await using second = await RawAgent.open(world.transport("alice", wire), { agentId: "shared" });
      assert.ok(second.ack.epoch > first.ack.epoch);
      await assert.rejects(first.settled(), { code: Code.Aborted });
    });
  }

  test("that another principal has connected is spoken for by that one alone, also without a session", async () => {
    await using world = await createGuardedWorld({
      ...principals,
      bob: { subject: "bob", agentIds: ["shared"], grants: { topics: { publish: ["**"] } } },
    });
    await using first = await RawAgent.open(world.transport("alice"), { agentId: "shared", topics: ["news"] });
    const bridge = createClient(BridgeService, world.transport("bob"));
    const publish = (headers: Record<string, string>) =>
      bridge.publish({ topic: "news", event: { id: "e" } }, { headers });
    await assert.rejects(publish({ "loom-agent-id": "shared" }), { code: Code.PermissionDenied });
    await publish({});
    assert.deepEqual(
      (await first.batch()).events.map(({ sender }) => sender),
      [""],
    );
    await first.leave();
    assert.equal((await publish({ "loom-agent-id": "shared" })).matched, 0);
  });

  test("is free again when its agent has left", async () => {
    await using world = await createGuardedWorld(principals);
    const first = await RawAgent.open(world.transport("alice"), { agentId: "shared" });
    await first.leave();
    await using second = await RawAgent.open(world.transport("bob"), { agentId: "shared" });
    assert.equal(second.ack.success, true);
  });

  test("names the sender of what is published without a session too", async () => {
    await using world = await createGuardedWorld({
      ...principals,
      one: { subject: "one", agentIds: ["solo"], grants: all },
    });
    await using hearer = await RawAgent.open(world.transport("alice"), { agentId: "alice-1", topics: ["news"] });
    const bridge = createClient(BridgeService, world.transport("one"));
    await bridge.publish({ topic: "news", event: { id: "e" } });
    const named = { headers: { "loom-agent-id": "bob-7" } };
    await createClient(BridgeService, world.transport("bob")).publish({ topic: "news", event: { id: "f" } }, named);
    const senders: string[] = [];
    while (senders.length < 2) senders.push(...(await hearer.batch()).events.map(({ sender }) => sender));
    assert.deepEqual(senders, ["solo", "bob-7"]);
    await assert.rejects(
      bridge.publish({ topic: "news", event: { id: "g" } }, { headers: { "loom-agent-id": "solo:*" } }),
      {
        code: Code.InvalidArgument,
      },
    );
  });
});

test("a bridge in memory asks who calls as well", async () => {
  const authenticator = createCalloutAuthenticator(({ header }) =>
    header.get("authorization") === "Bearer k" ? { subject: "alice", agentIds: ["bot"] } : undefined,
  );
  await using bridge = createTestBridge({ authenticator });
  await assert.rejects(bridge.client().connect(), { code: "unauthenticated" });
  const metadata = { authorization: "Bearer k" };
  await bridge.client({ metadata }).connect();
});
