import assert from "node:assert/strict";
import { test } from "node:test";
import { Code } from "@connectrpc/connect";
import { Delivered, GapReason, Overflow, Verdict } from "@loom-bridge/protocol/messages";
import type { EventHandler, SubscriptionInit } from "./events/subscription-init.ts";
import { settle } from "./fake-runtime.test-helper.ts";
import { type RunningAgent, startAgent } from "./running-agent.test-helper.ts";
import { type ScriptedStream, wireError } from "./scripted-bridge.test-helper.ts";

/** The subscription of these tests. */
const id = 3;

function startWorker(handler: EventHandler, init: Partial<SubscriptionInit> = {}): Promise<RunningAgent> {
  const subscription = { filters: "jobs", delivered: "at-least-once", handler, ...init } as const;
  return startAgent({ subscriptions: [subscription], concurrency: 8 }, { logId: "log-1" });
}

/** What the bridge was told, as sequence and verdict. */
function settlements(stream: ScriptedStream): (readonly [number, Verdict, number, string])[] {
  return stream.received.flatMap(({ event }) =>
    event.case === "eventSettle"
      ? event.value.settlements.map((each) => {
          return [Number(each.sequence), each.verdict, each.delayMs, each.reason] as const;
        })
      : [],
  );
}

test("a handler that returns acknowledges, one that throws asks again, later with each attempt, and is reported", async () => {
  const { agent, stream, errors } = await startWorker((_context, { type }) => {
    if (type === "bad") throw new Error("no");
  });
  stream.sendEvent(id, "jobs", { type: "good" });
  stream.sendEvent(id, "jobs", { type: "bad" }, "someone", { offset: 2n });
  await settle();
  stream.send({ case: "eventBatch", value: { ...lastBatch(stream), attempt: 3 } });
  await settle();
  assert.deepEqual(settlements(stream), [
    [1, Verdict.ACKNOWLEDGE, 0, ""],
    [2, Verdict.RETRY, 750, ""],
    [2, Verdict.RETRY, 3000, ""],
  ]);
  assert.equal(errors.length, 2);
  assert.equal(stream.count("eventAck"), 0);
  await agent.stop();
});

test("a handler settles otherwise with a word, which counts when it has returned", async () => {
  const { agent, stream } = await startWorker(({ settle: verdict }, { type }) => {
    if (type === "retry") verdict.retry({ delayMs: 40 });
    if (type === "terminate") verdict.terminate("nonsense");
    if (type === "working") verdict.working();
  });
  for (const type of ["retry", "terminate", "working"]) {
    stream.sendEvent(id, "jobs", { type });
    await settle();
  }
  assert.deepEqual(settlements(stream), [
    [1, Verdict.RETRY, 40, ""],
    [2, Verdict.TERMINATE, 0, "nonsense"],
    [3, Verdict.ACKNOWLEDGE, 0, ""],
  ]);
  await agent.stop();
});

test("an event that is delivered at most once cannot be settled", async () => {
  const problems: unknown[] = [];
  const { agent, stream } = await startAgent({
    topics: ["a"],
    onEvent: ({ settle: verdict }) => verdict.terminate("no"),
    onError: (error) => problems.push(error),
  });
  stream.sendEvent(1, "a", { type: "t" });
  await stream.receive("eventAck");
  assert.deepEqual(
    problems.map((error) => (error as { code: string }).code),
    ["failed_precondition"],
  );
  await agent.stop();
});

test("while a handler runs, its event is kept, unless autoExtend is off", async () => {
  for (const autoExtend of [true, false]) {
    let finish = (): void => {};
    const handler = (): Promise<void> => new Promise((resolve) => (finish = resolve));
    const { agent, stream, runtime } = await startWorker(handler, { settleTimeoutMs: 900, autoExtend });
    stream.sendEvent(id, "jobs", { type: "long" });
    await settle();
    await runtime.advance(900);
    assert.deepEqual(
      settlements(stream).map(([, verdict]) => verdict),
      autoExtend ? [Verdict.WORKING, Verdict.WORKING, Verdict.WORKING] : [],
    );
    finish();
    await settle();
    assert.equal(settlements(stream).at(-1)?.[1], Verdict.ACKNOWLEDGE);
    await agent.stop();
    assert.equal(runtime.timers, 0);
  }
});

test("after a reconnect it goes on before the first unsettled event, and what was settled is not handled again", async () => {
  const finish = new Map<string, () => void>();
  const handler: EventHandler = (_context, { type }) => new Promise<void>((resolve) => finish.set(type, resolve));
  const { agent, bridge, stream, runtime } = await startWorker(handler);
  for (const offset of [11, 12, 13]) {
    stream.sendEvent(id, "jobs", { type: `e${offset}` }, "someone", { offset: BigInt(offset) });
  }
  await settle();
  finish.get("e12")?.();
  await settle();
  stream.end(wireError(Code.Unavailable, "gone"));
  await settle();
  // Handled while nobody could be told.
  finish.get("e13")?.();
  await runtime.advance(500);
  const again = await bridge.acceptAgent({ logId: "log-1" });
  const { event } = again.received[0] ?? {};
  assert.ok(event?.case === "register");
  const { start } = event.value.subscriptions.find((subscription) => subscription.id === id) ?? {};
  assert.deepEqual([start?.position.value, start?.logId], [10n, "log-1"]);
  finish.delete("e11");
  for (const offset of [11, 12, 13, 14]) {
    again.sendEvent(id, "jobs", { type: `e${offset}` }, "someone", { offset: BigInt(offset) });
  }
  await settle();
  assert.deepEqual([...finish.keys()], ["e12", "e13", "e14"], "only e14 was begun; e11 still runs");
  assert.deepEqual(settlements(again), [
    [2, Verdict.ACKNOWLEDGE, 0, ""],
    [3, Verdict.ACKNOWLEDGE, 0, ""],
  ]);
  await Promise.all([agent.drain({ timeoutMs: 10 }), runtime.advance(10)]);
});

test("what waits when a member of a group loses its stream is left to the others", async () => {
  const begun: string[] = [];
  const handler: EventHandler = (_context, { type }) => {
    begun.push(type);
    return new Promise(() => {});
  };
  const subscription = { filters: "jobs", delivered: "at-least-once", group: "workers", handler } as const;
  const { agent, bridge, stream, runtime } = await startAgent({ subscriptions: [subscription] }, { logId: "log-1" });
  for (const offset of [1n, 2n]) stream.sendEvent(id, "jobs", { type: `e${offset}` }, "someone", { offset });
  await settle();
  stream.end(wireError(Code.Unavailable, "gone"));
  await settle();
  await runtime.advance(500);
  await bridge.acceptAgent({ logId: "log-1" });
  await settle();
  assert.deepEqual(begun, ["e1"]);
  await Promise.all([agent.drain({ timeoutMs: 10 }), runtime.advance(10)]);
  assert.deepEqual(begun, ["e1"]);
});

test("subscriptions say how they are delivered, where they begin and what they share", async () => {
  const since = { filters: "a", start: { since: 5 } } as const;
  const { agent, stream } = await startAgent({
    subscriptions: [
      {
        filters: "jobs",
        delivered: "at-least-once",
        settleTimeoutMs: 500,
        maxAttempts: 7,
        group: "workers",
        durable: "jobs",
        overflow: "latest-per-key",
        start: { after: 9, logId: "log" },
      },
      since,
      { filters: "b", start: "last" },
      { filters: "c", start: "oldest" },
    ],
  });
  const { event } = stream.received[0] ?? {};
  assert.ok(event?.case === "register");
  const [, first, ...others] = event.value.subscriptions;
  assert.deepEqual(
    [first?.delivered, first?.settleTimeoutMs, first?.maxAttempts, first?.group, first?.durable, first?.overflow],
    [Delivered.AT_LEAST_ONCE, 500, 7, "workers", "jobs", Overflow.LATEST_PER_KEY],
  );
  assert.deepEqual(
    [first, ...others].map((subscription) => [subscription?.start?.position.case, subscription?.start?.position.value]),
    [
      ["afterOffset", 9n],
      ["sinceMs", 5n],
      ["lastValue", true],
      ["afterOffset", 0n],
    ],
  );
  for (const options of [
    { maxAttempts: 3 },
    { settleTimeoutMs: 500 },
    { delivered: "at-least-once", maxAttempts: 0 },
    { delivered: "at-least-once", settleTimeoutMs: 99 },
    { start: { since: -1 } },
  ] as const) {
    await assert.rejects(agent.subscribe("x", options), { code: "invalid_argument" });
  }
  await agent.stop();
});

test("a gap is told to onGap, with the filters of its subscription", async () => {
  const gaps: unknown[] = [];
  const { agent, stream } = await startAgent({ topics: ["a"], onGap: (gap) => gaps.push(gap) });
  for (const reason of [GapReason.NOT_RETAINED, GapReason.QUEUE_FULL]) {
    stream.send({
      case: "gap",
      value: { $typeName: "loom.bridge.v1.Gap", subscription: 1, firstSequence: 1n, lastSequence: 1n, reason },
    });
  }
  await settle();
  assert.deepEqual(gaps, [
    { subscription: 1, filters: ["a"], reason: "not-retained", lost: undefined },
    { subscription: 1, filters: ["a"], reason: "queue-full", lost: 1 },
  ]);
  await agent.stop();
});

test("the chain of an event goes on with what its handler sends, with the time that is left", async () => {
  const { agent, stream, runtime } = await startAgent({
    topics: ["a"],
    async onEvent(context) {
      await new Promise<void>((resolve) => runtimeOf().setTimer(resolve, 300));
      context.emit("b", "next").catch(() => {});
      context.tool("t").catch(() => {});
    },
  });
  const runtimeOf = (): typeof runtime => runtime;
  const chain = { hops: 2, remainingMs: 1000n, budget: 5, path: ["x > a"] };
  stream.sendEvent(1, "a", { type: "t" }, "someone", { chain });
  await settle();
  await runtime.advance(300);
  const { items } = await stream.receive("publishBatch");
  const { call } = (stream.received.find(({ event }) => event.case === "toolRequest")?.event.value ?? {}) as {
    call?: { chain?: object };
  };
  for (const passed of [items[0]?.chain, call?.chain]) {
    assert.deepEqual({ ...passed }, { ...passed, hops: 2, remainingMs: 700n, budget: 5, path: ["x > a"] });
  }
  await Promise.all([agent.drain({ timeoutMs: 0 }), runtime.advance(0)]);
});

/** The batch that was sent last. */
function lastBatch(stream: ScriptedStream): NonNullable<ScriptedStream["lastBatch"]> {
  return stream.lastBatch ?? assert.fail("no batch was sent");
}
