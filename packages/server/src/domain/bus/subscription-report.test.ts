import assert from "node:assert/strict";
import { test } from "node:test";
import { createBusWorld, eventOf, takeAll } from "./bus-world.test-helper.ts";

const reliable = { window: 2, atLeastOnce: true, settleTimeoutMs: 1000, maxAttempts: 3 } as const;

test("each subscription reports what its queue took, lost and holds, the longest queue first", () => {
  const { bus, subscriber, subscribe } = createBusWorld();
  subscribe(subscriber("fast"));
  const reader = subscribe(subscriber("reader"), { ...reliable, overflow: "drop-newest", id: 4 });
  for (let id = 1; id <= 2050; id += 1) void bus.publish(eventOf("a", String(id)));
  takeAll(reader);
  reader.settle(1, { kind: "terminate", reason: "bad" });
  const [first, second] = bus.reportSubscriptions();
  assert.deepEqual([first?.agentId, first?.backlog, first?.waitingPublishers], ["fast", 2048, 2]);
  assert.deepEqual([second?.agentId, second?.id, second?.delivered, second?.backlog], ["reader", 4, 2048, 2046]);
  assert.deepEqual([second?.inFlight, second?.backlogBytes], [1, 2046 * 128]);
  assert.deepEqual(second?.drops, { "queue-full": 2, replaced: 0, "subscriber-left": 0, "given-up": 1 });
});

test("a group reports as one, with what its members were sent and left behind", () => {
  const { bus, subscriber, subscribe, leave } = createBusWorld();
  const share = { ...reliable, group: "workers" };
  const dead = subscriber("dead");
  takeAll(subscribe(dead, share));
  subscribe(subscriber("alive"), { ...share, window: 1 });
  for (const id of ["1", "2", "3", "4"]) void bus.publish(eventOf("a", id));
  leave(dead);
  const [group, ...others] = bus.reportSubscriptions();
  assert.deepEqual(others, []);
  assert.deepEqual([group?.agentId, group?.group, group?.members, group?.backlog], ["", "workers", 1, 3]);
});

test("a copy that was not sent or is not settled is found wherever it is", async () => {
  const { bus, subscriber, subscribe } = createBusWorld();
  const placesOf = (id: string) => bus.pending("a", id).map(({ subscriber: who, place }) => `${who}: ${place}`);
  const reader = subscribe(subscriber("reader"), reliable);
  for (let id = 1; id <= 2050; id += 1) void bus.publish(eventOf("a", String(id)));
  void bus.publish(eventOf("a", "late"));
  assert.deepEqual(placesOf("3"), ["reader: number 3 of 2048 in its queue"]);
  assert.deepEqual(placesOf("late"), ["reader: its publisher waits for room in the queue"]);
  takeAll(reader);
  assert.deepEqual(placesOf("1"), ["reader: delivered 1 times, and not settled"]);
  reader.settle(1, { kind: "retry", delayMs: 500 });
  assert.deepEqual(placesOf("1"), ["reader: delivered 1 times, and to be delivered again"]);
  reader.settle(1, { kind: "terminate", reason: "bad" });
  assert.deepEqual(placesOf("1"), []);
  const reading = subscribe(subscriber("newcomer"), { start: { kind: "after", offset: 0, logId: "" } });
  assert.deepEqual(placesOf("2050").at(-1), "newcomer: it still reads the log, and has come to offset 0");
  takeAll(reading);
  assert.deepEqual(placesOf("2050"), ["reader: number 2048 of 2048 in its queue"]);
});

test("what a group's members have is found with them, and what a dead one left with the group", () => {
  const { bus, subscriber, subscribe, leave } = createBusWorld();
  const share = { ...reliable, group: "workers" };
  const dead = subscriber("dead");
  const member = subscribe(dead, share);
  for (const id of ["1", "2"]) void bus.publish(eventOf("a", id));
  member.take(1, 1e9);
  const placesOf = (id: string) => bus.pending("a", id).map(({ subscriber: who, place }) => `${who}: ${place}`);
  assert.deepEqual(placesOf("1"), ["dead: delivered 1 times, and not settled"]);
  assert.deepEqual(placesOf("2"), ["dead: given to it and not sent yet"]);
  const alive = subscriber("alive");
  takeAll(subscribe(alive, { ...share, window: 1 }));
  leave(dead);
  assert.deepEqual(placesOf("1"), ["alive: given to it and not sent yet"]);
  assert.deepEqual(placesOf("2"), ["group workers: left behind by a member, for the next that has room"]);
});
