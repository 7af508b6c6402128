import assert from "node:assert/strict";
import { test } from "node:test";
import { Code } from "@connectrpc/connect";
import { settle } from "./fake-runtime.test-helper.ts";
import { startAgent } from "./running-agent.test-helper.ts";
import { type ScriptedStream, wireError } from "./scripted-bridge.test-helper.ts";

const replies = "agent.me.replies";

/** Answers every publish with a receipt, and every request with a reply on the replies subscription. */
async function answerAll(stream: ScriptedStream, count: number): Promise<void> {
  for (let answered = 0; answered < count; ) {
    const batch = await stream.receive("publishBatch");
    stream.receipt(batch.firstRef, batch.items.length);
    for (const { event } of stream.published().slice(answered)) {
      const correlationId = event.metadata["loom.correlation_id"];
      stream.sendEvent(2, replies, { type: "reply", correlationId, payload: `re: ${event.id}` }, "other");
      answered += 1;
    }
  }
}

test("a request tells where to reply and resolves with the first reply that quotes it", async () => {
  const { agent, stream } = await startAgent();
  const asking = agent.request("jobs.add", { a: 1 }, { threadId: "th", type: "sum" });
  await stream.receive("publishBatch");
  stream.receipt(1n, 1);
  const [{ topic, event }] = stream.published() as [ReturnType<ScriptedStream["published"]>[number]];
  assert.deepEqual([topic, event.type], ["jobs.add", "sum"]);
  assert.equal(event.metadata["loom.reply_to"], replies);
  assert.equal(event.metadata["loom.correlation_id"], event.id);
  assert.equal(event.metadata["loom.thread_id"], "th");
  stream.sendEvent(2, replies, { type: "reply", correlationId: "another" });
  stream.sendEvent(1, "somewhere.else", { type: "reply", correlationId: event.id, payload: "wrong topic" });
  stream.sendEvent(2, replies, { type: "reply", correlationId: event.id, payload: "first" }, "bob");
  stream.sendEvent(2, replies, { type: "reply", correlationId: event.id, payload: "second" });
  const reply = await asking;
  assert.deepEqual([reply.text(), reply.sender], ["first", "bob"]);
});

test("a request inside a handler gets its reply, though events are handled one at a time", async () => {
  const answers: string[] = [];
  const { stream } = await startAgent({
    topics: ["a"],
    onEvent: async (context) => void answers.push((await context.request("jobs", "?")).text()),
  });
  stream.sendEvent(1, "a", { type: "t", threadId: "th" });
  stream.sendEvent(1, "a", { type: "t" });
  await answerAll(stream, 2);
  await settle();
  assert.equal(answers.length, 2);
  assert.equal(stream.published()[0]?.event.metadata["loom.thread_id"], "th");
});

test("1000 requests at once get their own replies, and nothing is left of them", async () => {
  const { agent, stream, runtime } = await startAgent();
  const before = runtime.timers;
  const asking = Array.from({ length: 1000 }, (_, index) => agent.request("jobs", "?", { id: `r${index}` }));
  await answerAll(stream, 1000);
  const texts = (await Promise.all(asking)).map((reply) => reply.text());
  assert.deepEqual(
    texts,
    Array.from({ length: 1000 }, (_, index) => `re: r${index}`),
  );
  assert.equal(runtime.timers, before);
});

test("replies are acknowledged while a handler is busy", async () => {
  const { agent, stream } = await startAgent({ topics: ["a"], onEvent: () => new Promise(() => {}) });
  stream.sendEvent(1, "a", { type: "t" });
  const asking = agent.request("jobs", "?");
  await answerAll(stream, 1);
  await asking;
  const ack = await stream.receive("eventAck");
  assert.deepEqual([ack.subscription, ack.sequence], [2, 1n]);
});

test("a reply that nobody asked for goes to the handler", async () => {
  const seen: string[] = [];
  const { stream } = await startAgent({ onEvent: (_context, envelope) => void seen.push(envelope.text()) });
  stream.sendEvent(2, replies, { type: "reply", payload: "unasked", correlationId: "e9" });
  await settle();
  assert.deepEqual(seen, ["unasked"]);
});

test("a request without a reply times out after 5 s, or its own time; 0 ms is refused", async () => {
  const { agent, stream, runtime } = await startAgent();
  const outcomes: string[] = [];
  agent.request("jobs", "?").catch((error: { name: string }) => outcomes.push(`default ${error.name}`));
  agent
    .request("jobs", "?", { timeoutMs: 10 })
    .catch((error: { name: string }) => outcomes.push(`short ${error.name}`));
  await stream.receive("publishBatch");
  stream.receipt(1n, 2);
  await settle();
  await runtime.advance(10);
  assert.deepEqual(outcomes, ["short RequestTimeoutError"]);
  await runtime.advance(4989);
  assert.equal(outcomes.length, 1);
  await runtime.advance(1);
  assert.deepEqual(outcomes, ["short RequestTimeoutError", "default RequestTimeoutError"]);
  for (const timeoutMs of [0, -1, Number.NaN]) {
    await assert.rejects(agent.request("jobs", "?", { timeoutMs }), { code: "invalid_argument" });
  }
});

test("a request that nobody can hear fails at once; a signal gives one up; the end of the agent ends all", async () => {
  const { agent, stream } = await startAgent({ reconnect: false });
  const unheard = agent.request("nobody.home", "?");
  await stream.receive("publishBatch");
  stream.receipt(1n, 1, 0);
  await assert.rejects(unheard, { code: "unavailable", message: /nobody\.home/ });

  const controller = new AbortController();
  const given = agent.request("jobs", "?", { signal: controller.signal });
  controller.abort();
  await assert.rejects(given, { code: "canceled" });
  const { length } = stream.published();
  await assert.rejects(agent.request("jobs", "?", { signal: controller.signal }), { code: "canceled" });
  await settle();
  assert.equal(stream.published().length, length + 1, "the second was never asked");

  const lost = agent.request("jobs", "?");
  await stream.receive("publishBatch");
  stream.end(wireError(Code.Unavailable, "gone"));
  await assert.rejects(lost, { code: "unknown" });
});
