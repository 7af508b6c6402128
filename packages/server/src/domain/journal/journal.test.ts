import assert from "node:assert/strict";
import { test } from "node:test";
import { createManualRuntime } from "../manual-runtime.ts";
import { createJournal, silentJournal } from "./journal.ts";

test("the journal tells what happened to one event, oldest first, and nothing of others", () => {
  const runtime = createManualRuntime();
  const journal = createJournal(runtime);
  const startMs = runtime.now();
  journal.record("published", "e-1", "planner", "plan.made", { matched: 1, queued: 1, dropped: 0 });
  journal.record("published", "e-2", "planner", "plan.made", "");
  runtime.advance(5);
  journal.record("sent", "e-1", "executor", "plan.made", "sequence 7");

  const { records, sinceMs } = journal.explain("e-1");

  assert.equal(sinceMs, startMs);
  assert.deepEqual(
    records.map(({ timestampMs, what, agentId, detail }) => [timestampMs - startMs, what, agentId, detail]),
    [
      [0, "published", "planner", "matched 1, queued 1, dropped 0"],
      [5, "sent", "executor", "sequence 7"],
    ],
  );
});

test("the oldest entries make room when the ring is full, and the journal says since when it knows all", () => {
  const runtime = createManualRuntime();
  const journal = createJournal(runtime, { maxEntries: 3 });
  const startMs = runtime.now();
  for (let number = 1; number <= 5; number += 1) {
    runtime.advance(10);
    journal.record("published", `e-${number}`, "", "t", "");
  }
  const known = [1, 2, 3, 4, 5].filter((number) => journal.explain(`e-${number}`).records.length > 0);
  assert.deepEqual(known, [3, 4, 5]);
  assert.equal(journal.explain("e-3").sinceMs, startMs + 20);
});

test("a large journal makes room for several at once", () => {
  const journal = createJournal(createManualRuntime(), { maxEntries: 1000 });
  for (let number = 1; number <= 1001; number += 1) journal.record("published", `e-${number}`, "", "t", "");
  const known = [1, 2, 3, 4, 1001].filter((number) => journal.explain(`e-${number}`).records.length > 0);
  assert.deepEqual(known, [3, 4, 1001]);
});

test("texts count: long ones push out more of the past", () => {
  const journal = createJournal(createManualRuntime(), { maxBytes: 1000 });
  for (let number = 1; number <= 5; number += 1) journal.record("refused", `e-${number}`, "", "t", "x".repeat(300));
  assert.equal(journal.explain("e-2").records.length, 0);
  assert.equal(journal.explain("e-4").records.length, 1);
  assert.equal(journal.explain("e-5").records.length, 1);
});

test("what is too old is forgotten, also when nothing new comes", () => {
  const runtime = createManualRuntime();
  const journal = createJournal(runtime, { maxAgeMs: 1000 });
  journal.record("published", "old", "", "t", "");
  runtime.advance(600);
  journal.record("published", "new", "", "t", "");
  runtime.advance(600);
  assert.equal(journal.explain("old").records.length, 0);
  assert.equal(journal.explain("new").records.length, 1);
  assert.equal(journal.explain("new").sinceMs, runtime.now() - 1000);
});

test("what has no id is not noted", () => {
  const journal = createJournal(createManualRuntime());
  journal.record("published", "", "", "t", "");
  assert.deepEqual(journal.explain("").records, []);
});

test("a journal that is off knows nothing, and says that it is off", () => {
  silentJournal.record("published", "e-1", "", "t", "");
  assert.deepEqual(silentJournal.explain("e-1"), { records: [], sinceMs: undefined });
});
