import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { createTestBridge, testBridge } from "../test-bridge.ts";

test("time stands still until it is advanced, and then every timer on the way fires in order", async () => {
  await using bridge = testBridge({ start: "2026-03-01T12:00:00Z" });
  const { runtime } = bridge.bridge;
  const fired: string[] = [];
  const note = (name: string) => () => void fired.push(`${name} at ${runtime.monotonic()}`);
  runtime.setTimer(note("later"), 2000);
  runtime.setTimer(note("sooner"), 1000);
  runtime.setTimer(() => runtime.setTimer(note("set by a timer"), 500), 1200);
  runtime.setTimer(note("too late"), 3001).cancel();
  await bridge.clock.advance("3s");
  assert.deepEqual(fired, ["sooner at 1000", "set by a timer at 1700", "later at 2000"]);
  assert.equal(bridge.clock.now(), Date.parse("2026-03-01T12:00:03Z"));
});

test("advanceTo goes to a moment, and never back", async () => {
  await using bridge = testBridge({ start: "2026-01-01" });
  await bridge.clock.advanceTo("2026-01-01T06:00:00Z");
  assert.equal(bridge.clock.elapsedMs(), 6 * 3_600_000);
  await assert.rejects(bridge.clock.advanceTo("2026-01-01T05:00:00Z"), /that is not past/);
});

test("next goes to the next timer, whoever set it, and says so when there is none", async () => {
  await using bridge = testBridge();
  const { runtime } = bridge.bridge;
  const fired: number[] = [];
  for (const delayMs of [700, 300, 300]) runtime.setTimer(() => fired.push(delayMs), delayMs);
  await bridge.clock.next();
  assert.deepEqual(fired, [300, 300]);
  await bridge.clock.next();
  assert.equal(bridge.clock.elapsedMs(), 700);
  await assert.rejects(bridge.clock.next(), { kind: "deadlock", message: /the next timer, and none is set/ });
  await using real = createTestBridge();
  await assert.rejects(real.clock.next(), { code: "failed_precondition", message: /testBridge\(\)/ });
});

test("timers that a runner stands in for are taken along", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  await using bridge = testBridge();
  const agent = await bridge.probe("agent", { topics: ["done"] });
  const driving = bridge.clock.drive((ms) => context.mock.timers.tick(ms));
  setTimeout(() => void agent.publish("done", Date.now()), 60_000);
  const { atMs } = await agent.expectNext({ topic: "done", payload: 60_000 }, { within: "2m" });
  assert.equal(atMs, 60_000);
  driving[Symbol.dispose]();
  await bridge.clock.advance("1m");
  assert.equal(Date.now(), 60_000);
});

test("a duration that is none is refused with an example of one", async () => {
  await using bridge = testBridge();
  assert.throws(() => bridge.clock.advance("soon" as "1s"), /write milliseconds from 0 up, or "250ms"/);
});

test("whoever waits is served at the first moment at which it can be, whoever else waits", async () => {
  await using bridge = testBridge();
  const { clock } = bridge;
  const { runtime } = bridge.bridge;
  let isSet = false;
  runtime.setTimer(() => (isSet = true), 700);
  const moments: number[] = [];
  await Promise.all([
    clock.advance("1s").then(() => moments.push(clock.elapsedMs())),
    clock.runUntil(() => isSet).then(() => moments.push(clock.elapsedMs())),
    clock.advance("200ms").then(() => moments.push(clock.elapsedMs())),
  ]);
  assert.deepEqual(moments, [200, 700, 1000]);
});

test("run settles as its promise does, and what does not come in time is told with the story", async () => {
  await using bridge = testBridge();
  const { runtime } = bridge.bridge;
  const later = new Promise<string>((resolve) => void runtime.setTimer(() => resolve("done"), 60_000));
  assert.equal(await bridge.run(later), "done");
  await assert.rejects(bridge.run(Promise.reject(new Error("no"))), /^Error: no$/);
  runtime.setTimer(() => {}, 3_600_000);
  const late = bridge.run(new Promise(() => {}), { within: "5s", what: "Godot" });
  await assert.rejects(late, (error: Error) => {
    assert.match(error.message, /waited 5s of virtual time for Godot, and it did not come/);
    assert.match(error.message, /LOOM_TEST_SEED=1 node .*--test/);
    return true;
  });
});

test("when nothing can happen any more, the wait ends at once and says so", async () => {
  await using bridge = testBridge();
  const stuck = bridge.run(new Promise(() => {}), { what: "a promise that nobody keeps" });
  await assert.rejects(stuck, { kind: "deadlock", message: /nothing can happen any more/ });
});

test("a call that hangs is found to be a deadlock of known parties", async () => {
  await using bridge = testBridge();
  bridge.tools.fake("oracle").hang();
  const agent = await bridge.agent({ id: "pilgrim", heartbeatIntervalMs: 500_000 });
  const asking = agent.callTool("oracle", {}, { timeoutMs: 600_000 });
  asking.catch(() => {});
  await assert.rejects(bridge.run(asking, { within: "10s" }), /pilgrim waits for the bridge to answer oracle/);
});

test("what goes round for ever without time passing is a livelock, named by its lanes", async () => {
  await using bridge = testBridge();
  const { runtime } = bridge.bridge;
  const again = (): void => runtime.defer(again);
  again();
  await assert.rejects(bridge.clock.advance(1), { kind: "livelock", message: /who kept going: bridge/ });
});

test("settle waits for tracked work, and lists what still runs when that takes too long", async () => {
  await using bridge = testBridge();
  let isRead = false;
  void bridge.clock.track(
    pause(20).then(() => (isRead = true)),
    "reading a file",
  );
  await bridge.settle();
  assert.ok(isRead);
  const { promise, resolve } = Promise.withResolvers<void>();
  void bridge.clock.track(promise, "a slow disk");
  await assert.rejects(bridge.settle({ realTimeoutMs: 20 }), /still running: tracked: a slow disk/);
  resolve();
});

test("two worlds have two times, and their agents the same seeded luck in both", async () => {
  await using first = testBridge({ seed: 7 });
  await using second = testBridge({ seed: 7 });
  await first.clock.advance("1h");
  assert.deepEqual([first.clock.elapsedMs(), second.clock.elapsedMs()], [3_600_000, 0]);
  assert.equal(first.bridge.runtime.uuid(), second.bridge.runtime.uuid());
  assert.match(first.bridge.runtime.uuid(), /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-8[\da-f]{3}-[\da-f]{12}$/);
});

test("an agent that comes back under its name does not say again what its predecessor said", async () => {
  await using bridge = testBridge();
  const reader = await bridge.probe("reader", { topics: ["a"] });
  for (const round of [1, 2]) {
    const author = await bridge.agent({ id: "author" });
    const { duplicate } = await bridge.run(author.publish("a", { type: "t", payload: round }));
    assert.equal(duplicate, false);
    await bridge.run(author.stop());
  }
  await reader.expectNextN(2);
});
