import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createCrashingLog } from "../log/crashing-log.test-helper.ts";
import { createManualRuntime } from "../manual-runtime.ts";
import { type BusWorld, createBusWorld, eventOf, idsOf, takeAll } from "./bus-world.test-helper.ts";

async function createDurableWorld(): Promise<BusWorld> {
  const runtime = createManualRuntime();
  return createBusWorld({ runtime, log: await createCrashingLog(5).open(runtime) });
}

describe("a subscription that begins while an event is written", () => {
  test("has no part in it, and the receipt does not count it", async () => {
    const { bus, log, subscriber, subscribe } = await createDurableWorld();
    const publishing = bus.publish(eventOf("a", "before"));
    const late = subscribe(subscriber("late"));
    const { matched, queued } = await publishing;
    assert.deepEqual([matched, queued, idsOf(takeAll(late))], [0, 0, []]);
    await log.close();
  });

  test("takes it from no other subscription of its agent", async () => {
    const { bus, log, subscriber, subscribe } = await createDurableWorld();
    const agent = subscriber("agent");
    const first = subscribe(agent, { id: 1, quality: "realtime" });
    const publishing = bus.publish(eventOf("a", "before"));
    const second = subscribe(agent, { id: 2 });
    assert.equal((await publishing).queued, 1);
    await bus.publish(eventOf("a", "after"));
    assert.deepEqual([idsOf(takeAll(first)), idsOf(takeAll(second))], [["before"], ["after"]]);
    await log.close();
  });

  test("reads it from the log where it begins in the past", async () => {
    const { bus, log, subscriber, subscribe } = await createDurableWorld();
    const publishing = bus.publish(eventOf("a", "before"));
    const late = subscribe(subscriber("late"), { start: { kind: "after", offset: 0, logId: "" } });
    assert.equal((await publishing).queued, 1);
    assert.deepEqual(idsOf(takeAll(late)), ["before"]);
    await log.close();
  });
});
