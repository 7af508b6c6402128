import assert from "node:assert/strict";
import { test } from "node:test";
import { LoomError } from "@loom-bridge/protocol";
import { createCalloutAuthenticator, createPrincipal } from "@loom-bridge/server";
import { testBridge } from "../test-bridge.ts";

const authenticator = createCalloutAuthenticator(async ({ header }) => {
  const token = header.get("authorization");
  if (token === null) return undefined;
  if (token === "Bearer bob") return { subject: "bob", agentIds: ["bob"], grants: { topics: { publish: ["a"] } } };
  throw new LoomError("unauthenticated", "the token is not known");
});

test("a link carries credentials to the bridge's own authenticator, or a principal that the test vouches for", async () => {
  await using bridge = testBridge({ authenticator });
  const reader = createPrincipal({ subject: "r", agentIds: ["reader"], grants: { topics: { subscribe: ["a"] } } });
  const probe = await bridge.probe("reader", { principal: reader, topics: ["a"] });
  const bob = bridge.client({ link: "bob", metadata: [["authorization", "Bearer bob"]] });
  await bridge.run(bob.publish({ topic: "a", event: { id: "1", type: "t" } }));
  await probe.expectNext("a");
  await assert.rejects(bridge.run(bob.publish({ topic: "b", event: { type: "t" } })), { code: "permission_denied" });
  await assert.rejects(bridge.agent({ id: "nobody" }), { code: "unauthenticated" });
  assert.equal((await bridge.snapshot()).agents.length, 1);
});
