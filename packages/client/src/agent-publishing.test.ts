import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import type { LoomError } from "@loom-bridge/protocol";
import { DropReason, ReceiptBatchSchema } from "@loom-bridge/protocol/messages";
import { settle } from "./fake-runtime.test-helper.ts";
import { startAgent } from "./running-agent.test-helper.ts";
import { wireError } from "./scripted-bridge.test-helper.ts";

test("what one tick publishes goes out in one batch, in order, as the agent's own", async () => {
  const { agent, stream } = await startAgent();
  const posts = ["a", "b", "c"].map((type) => agent.post("x.y", { type }));
  await Promise.all(posts);
  const batch = await stream.receive("publishBatch");
  assert.equal(batch.firstRef, 1n);
  assert.deepEqual(
    batch.items.map(({ type }) => type),
    ["a", "b", "c"],
  );
  const [first] = stream.published();
  assert.equal(first?.topic, "x.y");
  assert.equal(first?.event.metadata["loom.sender"], "me");
  assert.equal(first?.event.source, "me");
  assert.equal(first?.event.id, batch.items[0]?.id);
});

test("a batch has at most 256 events and 512 KiB", async () => {
  const { agent, stream } = await startAgent();
  for (let index = 0; index < 300; index += 1) void agent.post("x", { type: "t" });
  assert.equal((await stream.receive("publishBatch")).items.length, 256);
  assert.equal((await stream.receive("publishBatch")).items.length, 44);
  for (let index = 0; index < 3; index += 1) void agent.post("x", { type: "t", payload: new Uint8Array(200_000) });
  assert.equal((await stream.receive("publishBatch")).items.length, 2);
  assert.equal((await stream.receive("publishBatch")).items.length, 1);
});

test("no more publishes are unanswered than the bridge allows, and receipts open the window again", async () => {
  const { agent, stream } = await startAgent({}, { publishWindow: 3 });
  for (let index = 0; index < 8; index += 1) void agent.post("x", { type: `t${index}` });
  await settle();
  assert.equal(stream.published().length, 3);
  stream.receipt(1n, 2);
  await settle();
  assert.equal(stream.published().length, 5);
  stream.receipt(3n, 3);
  await settle();
  assert.deepEqual(
    stream.published().map(({ event }) => event.type),
    Array.from({ length: 8 }, (_, index) => `t${index}`),
  );
});

test("with 2048 messages queued the next post waits, and proceeds when one is read", async () => {
  const { agent, stream } = await startAgent({}, { publishWindow: 1 });
  await agent.post("x", { type: "first" });
  await stream.receive("publishBatch");
  let taken = 0;
  for (let index = 0; index < 2049; index += 1) void agent.post("x", { type: `t${index}` }).then(() => (taken += 1));
  await settle();
  assert.equal(taken, 2048);
  stream.receipt(1n, 1);
  await settle();
  assert.equal(taken, 2049);
});

test("10 000 posts at once all arrive, once and in order", async () => {
  const { agent, stream } = await startAgent({}, { publishWindow: 500 });
  const posting = Promise.all(Array.from({ length: 10_000 }, (_, index) => agent.post("x", { type: `t${index}` })));
  for (let received = 0; received < 10_000; ) {
    const batch = await stream.receive("publishBatch");
    assert.equal(batch.firstRef, BigInt(received + 1));
    received += batch.items.length;
    stream.receipt(batch.firstRef, batch.items.length);
  }
  await posting;
  assert.deepEqual(
    stream.published().map(({ event }) => event.type),
    Array.from({ length: 10_000 }, (_, index) => `t${index}`),
  );
});

test("each publish gets its own receipt", async () => {
  const { agent, stream } = await startAgent();
  const publishes = ["a", "b", "c"].map((id) => agent.publish("x", { type: "t", id }));
  await stream.receive("publishBatch");
  const receipts = [
    {
      ref: 1n,
      count: 2,
      matched: 2,
      queued: 1,
      dropped: 1,
      duplicate: true,
      offset: 7n,
      drops: [{ reason: DropReason.QUEUE_FULL, count: 1 }],
    },
    { ref: 3n, count: 1, error: { code: "resource_exhausted", message: "too fast" } },
  ];
  stream.send({ case: "receiptBatch", value: create(ReceiptBatchSchema, { receipts }) });
  const counts = { matched: 2, queued: 1, dropped: 1, duplicate: true };
  const drops = [{ reason: "queue-full", count: 1 }];
  assert.deepEqual(await publishes[0], { eventId: "a", ...counts, drops, offset: 0 });
  assert.deepEqual(await publishes[1], { eventId: "b", ...counts, drops, offset: 7 });
  await assert.rejects(publishes[2] as Promise<unknown>, {
    code: "resource_exhausted",
    message: /too fast/,
    details: { topic: "x", eventId: "c" },
  });
});

test("a post that the bridge refuses is reported", async () => {
  const { agent, stream, errors } = await startAgent();
  await agent.post("x", { type: "t" });
  await stream.receive("publishBatch");
  const receipts = [{ ref: 1n, count: 1, error: { code: "invalid_argument", message: "no" } }];
  stream.send({ case: "receiptBatch", value: create(ReceiptBatchSchema, { receipts }) });
  await settle();
  assert.deepEqual(
    errors.map((error) => (error as LoomError).code),
    ["invalid_argument"],
  );
});

test("a receipt for what was not asked ends the stream", async () => {
  const { agent, stream } = await startAgent({ reconnect: false });
  stream.receipt(7n, 1);
  await assert.rejects(agent.closed, { code: "internal", message: /publish 7/ });
});

test("a topic or event that the bridge would refuse is refused before it is sent", async () => {
  const { agent, stream } = await startAgent();
  await assert.rejects(agent.publish("a..b", { type: "t" }), { code: "invalid_argument" });
  await assert.rejects(agent.post("a.*", { type: "t" }), { code: "invalid_argument" });
  const odd = { n: 1 } as unknown as Record<string, string>;
  await assert.rejects(agent.publish("a", { type: "t", metadata: odd }), { code: "invalid_argument" });
  await assert.rejects(agent.publish("a", { type: "" }), { code: "invalid_argument" });
  const large = { type: "t", payload: new Uint8Array(1_048_577) };
  await assert.rejects(agent.publish("a", large), { code: "resource_exhausted", message: /1048576/ });
  await settle();
  assert.equal(stream.published().length, 0);
});

test("when the agent ends, what was sent has an unknown outcome and what was not is said to be unsent", async () => {
  const { agent, stream, errors } = await startAgent({ reconnect: false }, { publishWindow: 1 });
  const sent = agent.publish("x", { type: "sent" });
  const unsent = agent.publish("x", { type: "unsent" });
  await agent.post("x", { type: "posted" });
  await stream.receive("publishBatch");
  stream.end(wireError(Code.Unavailable, "going down"));
  await assert.rejects(sent, { name: "OutcomeUnknownError", code: "unknown", details: { outcome: "UNKNOWN" } });
  await assert.rejects(unsent, { name: "AgentClosedError", code: "unavailable", retryable: true });
  assert.equal(errors.length, 1, "the lost post is reported");
  await assert.rejects(agent.publish("x", { type: "late" }), { name: "AgentClosedError", message: /going down/ });
});

test("an agent that was not started publishes nothing", async () => {
  const { agent } = await startAgent();
  await agent.stop();
  await assert.rejects(agent.post("x", { type: "t" }), { name: "AgentClosedError", code: "failed_precondition" });
});
