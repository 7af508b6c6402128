import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createBusWorld, eventOf, idsOf, takeAll } from "./bus-world.test-helper.ts";
import { forgottenAtOnce, maxRemembered, PublishMemory } from "./publish-memory.ts";
import { countResults } from "./publish-outcome.ts";

test("a publish with the id of one before is answered like it for two minutes, and delivered once", async () => {
  const { bus, runtime, subscriber, subscribe } = createBusWorld();
  const subscription = subscribe(subscriber("agent"));
  const first = await bus.publish(eventOf("a", "id", "sender"), true);
  runtime.advance(119_999);
  assert.deepEqual(await bus.publish(eventOf("a", "id", "sender"), true), { ...first, duplicate: true });
  runtime.advance(1);
  assert.equal((await bus.publish(eventOf("a", "id", "sender"), true)).duplicate, false);
  assert.equal(idsOf(takeAll(subscription)).length, 2);
});

test("publishes without id, without sender or without receipt are never taken for repeated", async () => {
  const { bus } = createBusWorld();
  for (const [id, sender, once] of [
    ["", "sender", true],
    ["id", "", true],
    ["id", "sender", false],
  ] as const) {
    for (let count = 0; count < 2; count += 1) {
      assert.equal((await bus.publish(eventOf("a", id, sender), once)).duplicate, false);
    }
  }
});

test("a repeated publish waits with the first, and is the first when that was refused", async () => {
  const memory = new PublishMemory(() => 0);
  const first = Promise.withResolvers<ReturnType<typeof countResults>>();
  memory.remember("s", "id", first.promise);
  assert.ok(memory.find("s", "id") instanceof Promise);
  first.resolve(countResults(["queued"], 7));
  await first.promise;
  assert.equal((await memory.find("s", "id"))?.offset, 7);
  const refused = Promise.reject(new Error("full disk"));
  memory.remember("s", "other", refused);
  await refused.catch(() => {});
  assert.equal(memory.find("s", "other"), undefined);
});

test("so many are remembered, long ids take no more room, and old ones go", () => {
  let nowMs = 0;
  const memory = new PublishMemory(() => nowMs);
  const outcome = countResults([], 1);
  for (let id = 0; id <= maxRemembered; id += 1) memory.remember("s", String(id), outcome);
  assert.ok(memory.size <= maxRemembered && memory.size > maxRemembered - forgottenAtOnce);
  assert.equal(memory.find("s", "0"), undefined);
  const long = "x".repeat(1_000_000);
  memory.remember("s", long, outcome);
  assert.deepEqual(memory.find("s", long), outcome);
  assert.equal(memory.find("s", `${long}x`), undefined);
  nowMs = 120_000;
  for (let id = 0; id < 5000; id += 1) memory.remember("s", `new ${id}`, outcome);
  assert.equal(memory.size, 5000);
});

test("the same id of several senders, in any number, is each one's own", () => {
  const memory = new PublishMemory(() => 0);
  for (let sender = 0; sender < 50; sender += 1) {
    assert.equal(memory.find(`s${sender}`, "id"), undefined);
    memory.remember(`s${sender}`, "id", countResults([], sender + 1));
    memory.remember(`s${sender}`, `s${sender} id`, countResults([], 1000 + sender));
  }
  for (let sender = 0; sender < 50; sender += 1) {
    assert.deepEqual(memory.find(`s${sender}`, "id"), countResults([], sender + 1));
    assert.deepEqual(memory.find(`s${sender}`, `s${sender} id`), countResults([], 1000 + sender));
  }
});

test("a publish that failed takes no other sender's with it", async () => {
  const memory = new PublishMemory(() => 0);
  const refused = Promise.reject(new Error("full disk"));
  memory.remember("a", "id", refused);
  memory.remember("b", "id", countResults([], 2));
  await refused.catch(() => {});
  assert.equal(memory.find("a", "id"), undefined);
  assert.deepEqual(memory.find("b", "id"), countResults([], 2));
});

test("it agrees with a simple memory, whatever is asked, remembered and however time goes", () => {
  let nowMs = 0;
  const key = fc.tuple(fc.constantFrom("a", "b", "c"), fc.nat({ max: 30 }).map(String));
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ kind: fc.constantFrom("remember", "find"), key }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("wait"), ms: fc.nat({ max: 50_000 }) }) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const memory = new PublishMemory(() => nowMs);
      const simple = new Map<string, { atMs: number; outcome: ReturnType<typeof countResults> }>();
      for (const [index, each] of steps.entries()) {
        if ("ms" in each) {
          nowMs += each.ms;
          continue;
        }
        const [sender, id] = each.key;
        const known = simple.get(each.key.join(" "));
        const expected = known !== undefined && nowMs - known.atMs < 120_000 ? known.outcome : undefined;
        assert.deepEqual(memory.find(sender, id), expected);
        if (each.kind === "find") continue;
        const outcome = countResults([], index);
        memory.remember(sender, id, outcome);
        simple.set(each.key.join(" "), { atMs: nowMs, outcome });
      }
    }),
  );
});

test("what was replaced while it waited changes nothing of what replaced it", async () => {
  const memory = new PublishMemory(() => 0);
  const first = Promise.withResolvers<ReturnType<typeof countResults>>();
  memory.remember("s", "id", first.promise);
  memory.remember("s", "id", countResults(["queue-full"], 2));
  first.resolve(countResults([], 1));
  await first.promise;
  assert.deepEqual(memory.find("s", "id"), countResults(["queue-full"], 2));
  assert.equal(memory.size, 1);
});
