import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { BusEvent } from "../../domain/bus/bus-event.ts";
import type { EventLog, LogPage, ReadFrom } from "../../domain/log/event-log.ts";
import type { RetentionLimits } from "../../domain/log/retention-limits.ts";
import { createManualRuntime, type ManualRuntime } from "../../domain/manual-runtime.ts";

export interface LogWorld extends AsyncDisposable {
  readonly log: EventLog;
  readonly runtime: ManualRuntime;
}

export type OpenLog = (runtime: ManualRuntime, limits: Partial<RetentionLimits>) => Promise<EventLog>;

export function eventOf(topic: string, id = "", bytes = 0): BusEvent {
  return { topic, id, type: "t", sender: "s", body: new Uint8Array(bytes), key: "", chain: undefined };
}

export function read(log: EventLog, filter: string, from: Partial<ReadFrom> = {}, max = 1000, bytes = 1e9): LogPage {
  return log.read([filter.split(".")], { afterOffset: 0, ...from }, max, bytes);
}

const ids = ({ events }: LogPage): string[] => events.map(({ id }) => id);
const offsets = ({ events }: LogPage): number[] => events.map(({ offset }) => offset);

/** What every driver of the event log does. */
export function describeEventLog(name: string, open: OpenLog): void {
  const world = async (limits: Partial<RetentionLimits> = {}): Promise<LogWorld> => {
    const runtime = createManualRuntime();
    const log = await open(runtime, limits);
    return { log, runtime, [Symbol.asyncDispose]: () => log.close() };
  };
  const fill = async ({ log, runtime }: LogWorld, topics: readonly string[], bytes = 0): Promise<void> => {
    for (const topic of topics) log.append(eventOf(topic, `${topic}${log.head + 1}`, bytes), runtime.now());
    await log.kept();
  };

  describe(`${name}: an event log`, () => {
    test("gives offsets in the order of the calls and returns every field of what was kept", async () => {
      await using w = await world();
      const chain = { hops: 2, remainingMs: 5, budget: 0, spent: false, path: ["a > b"] };
      const event = { ...eventOf("a", "x"), key: "k", chain, body: new Uint8Array([1, 2, 3]) };
      assert.equal(w.log.append(eventOf("a"), 1).offset, 1);
      assert.equal(w.log.append(event, w.runtime.now()).offset, 2);
      assert.equal(w.log.head, 2);
      await w.log.kept();
      assert.equal(w.log.kept(), undefined);
      const [first] = read(w.log, "a", { afterOffset: 1 }).events;
      const expected = { ...event, offset: 2, publishedMs: w.runtime.now() };
      assert.deepEqual({ ...first, body: [...(first?.body ?? [])] }, { ...expected, body: [1, 2, 3] });
    });

    test("is read page by page, by exact topics and patterns, in order", async () => {
      await using w = await world();
      await fill(w, ["a", "b", "a.b", "a", "a.c", "b"]);
      const page = read(w.log, "**", {}, 4);
      assert.deepEqual([offsets(page), page.through, page.atEnd, page.lost], [[1, 2, 3, 4], 4, false, false]);
      const rest = read(w.log, "**", { afterOffset: page.through }, 4);
      assert.deepEqual([offsets(rest), rest.through, rest.atEnd], [[5, 6], 6, true]);
      assert.deepEqual(offsets(read(w.log, "a")), [1, 4]);
      assert.deepEqual(offsets(read(w.log, "a.*")), [3, 5]);
      const none = read(w.log, "c");
      assert.deepEqual([none.events, none.through, none.atEnd, none.lost], [[], 6, true, false]);
    });

    test("ends a page at its bytes, but not before its first event", async () => {
      await using w = await world();
      await fill(w, ["a", "a", "a"], 1000);
      assert.deepEqual(offsets(read(w.log, "a", {}, 10, 1)), [1]);
      assert.deepEqual(offsets(read(w.log, "a", {}, 10, 2500)), [1, 2]);
    });

    test("is read from a time and from the last event of each topic", async () => {
      await using w = await world();
      await fill(w, ["a", "b"]);
      w.runtime.advance(10);
      await fill(w, ["a", "b", "c"]);
      assert.deepEqual(offsets(read(w.log, "**", { sinceMs: w.runtime.now() })), [3, 4, 5]);
      assert.deepEqual(offsets(read(w.log, "**", { sinceMs: w.runtime.now() - 10 }, 2)), [1, 2]);
      const last = read(w.log, "*", { lastUpTo: 4 }, 1);
      assert.deepEqual([offsets(last), last.atEnd], [[3], false]);
      const rest = read(w.log, "*", { lastUpTo: 4, afterOffset: last.through });
      assert.deepEqual([offsets(rest), rest.through, rest.atEnd], [[4], 4, true]);
    });

    test("keeps so many events of a topic, and tells only those that ask for what is gone", async () => {
      await using w = await world({ topicMessages: 3 });
      await fill(w, ["b", "a", "a", "a", "a", "a"]);
      const page = read(w.log, "a");
      assert.deepEqual([offsets(page), page.lost], [[4, 5, 6], true]);
      assert.equal(read(w.log, "a", { afterOffset: 2 }).lost, true);
      assert.equal(read(w.log, "a", { afterOffset: 3 }).lost, false);
      assert.equal(read(w.log, "b").lost, false);
      assert.deepEqual(offsets(read(w.log, "**")), [1, 4, 5, 6]);
    });

    test("keeps half a percent more of a topic's events than it must, until they go together", async () => {
      await using w = await world({ topicMessages: 400 });
      const kept = () => read(w.log, "a", {}, 1000).events.length;
      await fill(
        w,
        Array.from({ length: 402 }, () => "a"),
      );
      assert.equal(kept(), 402);
      await fill(w, ["a"]);
      assert.equal(kept(), 400);
      assert.equal(read(w.log, "a", { afterOffset: 2 }).lost, true);
      assert.equal(read(w.log, "a", { afterOffset: 3 }).lost, false);
    });

    test("keeps so many bytes of a topic and of all topics", async () => {
      await using w = await world({ topicBytes: 2400, totalBytes: 4600 });
      await fill(w, ["a", "a", "a"], 1000);
      assert.deepEqual(offsets(read(w.log, "a")), [2, 3]);
      await fill(w, ["b", "b", "c"], 1000);
      assert.deepEqual(offsets(read(w.log, "**")), [3, 4, 5, 6]);
    });

    test("keeps nothing that is too old, and tells who asks since when", async () => {
      await using w = await world({ ageMs: 1000 });
      await fill(w, ["a"]);
      const before = w.runtime.now();
      w.runtime.advance(600);
      await fill(w, ["a"]);
      w.runtime.advance(600);
      assert.deepEqual(offsets(read(w.log, "a")), [2]);
      assert.equal(read(w.log, "a", { sinceMs: before }).lost, true);
      assert.equal(read(w.log, "a", { sinceMs: before + 1 }).lost, false);
    });

    test("knows so many topics; those without news for longest go with their events", async () => {
      await using w = await world({ topics: 3 });
      await fill(w, ["a", "b", "c", "a", "d"]);
      assert.deepEqual(offsets(read(w.log, "**")), [1, 3, 4, 5]);
      assert.equal(read(w.log, "*", { afterOffset: 1 }).lost, true);
      assert.equal(read(w.log, "*", { afterOffset: 2 }).lost, false);
    });

    test("of 100 topics is read as one of few is", async () => {
      await using w = await world({ topicMessages: 2 });
      const topics = Array.from({ length: 100 }, (_, topic) => `t.${topic}`);
      for (let round = 0; round < 20; round += 1) await fill(w, topics);
      const page = read(w.log, "t.*", { afterOffset: 1850 }, 60);
      assert.deepEqual(
        offsets(page),
        Array.from({ length: 60 }, (_, place) => 1851 + place),
      );
      assert.deepEqual(ids(read(w.log, "t.7")), ["t.71808", "t.71908"]);
    });

    test("remembers where owners stand, so many of them", async () => {
      await using w = await world({ positions: 2 });
      assert.equal(w.log.loadPosition("one"), undefined);
      w.log.savePosition("one", { offset: 7, above: [9, 11] });
      w.log.savePosition("two", { offset: 1, above: [] });
      w.log.savePosition("one", { offset: 8, above: [] });
      w.log.savePosition("three", { offset: 2, above: [] });
      assert.deepEqual(w.log.loadPosition("one"), { offset: 8, above: [] });
      assert.equal(w.log.loadPosition("two"), undefined);
    });
  });
}
