import assert from "node:assert/strict";
import { copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { RetentionLimits } from "../../domain/log/retention-limits.ts";
import { silentLogger } from "../../domain/logger.ts";
import { createManualRuntime, type ManualRuntime } from "../../domain/manual-runtime.ts";
import { createSqliteStore } from "../sqlite/sqlite-store.ts";
import { describeEventLog, eventOf, read } from "./event-log-contract.test-helper.ts";
import { createSqliteEventLog, type SqliteEventLogOptions } from "./sqlite-event-log.ts";

const directory = mkdtempSync(join(tmpdir(), "event-log-"));
after(() => rmSync(directory, { recursive: true, force: true }));
let files = 0;

function newPath(): string {
  files += 1;
  return join(directory, `log-${files}.db`);
}

const open = (
  path: string,
  runtime: ManualRuntime = createManualRuntime(),
  limits: Partial<RetentionLimits> = {},
  options: Partial<SqliteEventLogOptions> = {},
) => createSqliteEventLog({ path, runtime, limits, ...options });

describeEventLog("sqlite", (runtime, limits) => open(newPath(), runtime, limits));

/** A copy of the files, made while the log is open, is what a killed process leaves. */
function copyOf(path: string): string {
  const copy = newPath();
  for (const suffix of ["", "-wal"]) if (existsSync(path + suffix)) copyFileSync(path + suffix, copy + suffix);
  return copy;
}

test("what was kept, the id, the head, what is gone and the positions survive the end of the process", async () => {
  const path = newPath();
  const runtime = createManualRuntime();
  const first = await open(path, runtime, { topicMessages: 2 });
  for (const id of ["1", "2", "3"]) first.append(eventOf("a", id), runtime.now());
  await first.kept();
  first.savePosition("owner", { offset: 2, above: [3] });
  runtime.advance(100);
  first.append(eventOf("a", "lost"), runtime.now());
  const copy = copyOf(path);
  await first.close();
  await using second = await open(copy, runtime, { topicMessages: 2 }).then((log) => ({
    log,
    [Symbol.asyncDispose]: () => log.close(),
  }));
  assert.equal(second.log.id, first.id);
  assert.equal(second.log.head, 3);
  const page = read(second.log, "a");
  assert.deepEqual([page.events.map(({ id }) => id), page.lost], [["2", "3"], true]);
  assert.deepEqual(second.log.loadPosition("owner"), { offset: 2, above: [3] });
  assert.equal(second.log.append(eventOf("a"), runtime.now()).offset, 4);
});

test("an event is read only once it is written", async () => {
  const log = await open(newPath());
  log.append(eventOf("a"), 1_700_000_000_000);
  const page = read(log, "a");
  assert.deepEqual([page.events.length, page.through, log.head], [0, 0, 1]);
  await log.kept();
  assert.equal(read(log, "a").events.length, 1);
  await log.close();
});

test("a second bridge is refused the file, and so is a file of plans", async () => {
  const path = newPath();
  const log = await open(path);
  await assert.rejects(open(path), { code: "unavailable", message: /the event log .* is locked by another process/ });
  await log.close();
  const plans = newPath();
  await (await createSqliteStore({ path: plans, runtime: createManualRuntime() })).close();
  await assert.rejects(open(plans), { code: "failed_precondition", message: /another program/ });
});

test("a log that cannot write says so to those who wait, and refuses when too much waits", async () => {
  const log = await open(newPath(), createManualRuntime(), {}, { maxFileBytes: 100_000, maxQueuedBytes: 300_000 });
  log.append(eventOf("a", "", 200_000), 1);
  assert.throws(() => log.append(eventOf("a", "", 200_000), 1), {
    code: "resource_exhausted",
    details: { limit: "maxQueuedBytes", value: "300000" },
  });
  await assert.rejects(log.kept() ?? Promise.resolve(), { code: "unavailable", message: /the event log cannot grow/ });
  assert.equal(log.append(eventOf("a"), 1_700_000_000_000).offset, 2);
  await log.kept();
  assert.deepEqual(
    read(log, "a").events.map(({ offset }) => offset),
    [2],
  );
  await log.close();
});

test("events of one tick share a commit, and 2000 of them come in order", async () => {
  const log = await open(newPath(), createManualRuntime(), { topicMessages: 10_000 });
  const settled: number[] = [];
  const waits = Array.from({ length: 2000 }, () => {
    const { offset } = log.append(eventOf("a"), 1_700_000_000_000);
    return Promise.resolve(log.kept()).then(() => settled.push(offset));
  });
  await Promise.all(waits);
  assert.deepEqual(
    settled,
    Array.from({ length: 2000 }, (_, place) => place + 1),
  );
  await log.close();
});

test("a position is never written before the events that were appended before it was saved", async () => {
  const path = newPath();
  const runtime = createManualRuntime();
  const log = await open(path, runtime, {}, { batchEvents: 1 });
  log.savePosition("owner", { offset: 0, above: [] });
  log.append(eventOf("a", "handled"), runtime.now());
  const first = log.kept();
  log.append(eventOf("$dlq.a", "letter"), runtime.now());
  log.savePosition("owner", { offset: 1, above: [] });
  await first;
  const between = await open(copyOf(path), runtime);
  assert.deepEqual([between.head, between.loadPosition("owner")], [1, { offset: 0, above: [] }]);
  await log.kept();
  const afterwards = await open(copyOf(path), runtime);
  assert.deepEqual([afterwards.head, afterwards.loadPosition("owner")], [2, { offset: 1, above: [] }]);
  for (const each of [log, between, afterwards]) await each.close();
});

test("the first position of an owner is kept at once, after the events before it", async () => {
  const path = newPath();
  const runtime = createManualRuntime();
  const log = await open(path, runtime);
  log.append(eventOf("a"), runtime.now());
  log.savePosition("owner", { offset: 1, above: [] });
  const copy = await open(copyOf(path), runtime);
  assert.deepEqual([copy.head, copy.loadPosition("owner")], [1, { offset: 1, above: [] }]);
  for (const each of [log, copy]) await each.close();
});

test("positions that cannot be written are logged, and tried again", async () => {
  const path = newPath();
  const runtime = createManualRuntime();
  const errors: string[] = [];
  const logger = { ...silentLogger, error: (message: string) => void errors.push(message) };
  const log = await open(path, runtime, {}, { maxFileBytes: 100_000, logger });
  for (const owner of ["large", "small"]) log.savePosition(owner, { offset: 0, above: [] });
  log.savePosition("large", { offset: 1, above: Array.from({ length: 30_000 }, (_, place) => 10 + place) });
  log.savePosition("small", { offset: 2, above: [] });
  runtime.advance(100);
  assert.match(errors.join(), /^the positions of durable subscriptions could not be written; they are tried again$/);
  log.savePosition("large", { offset: 1, above: [] });
  runtime.advance(1000);
  const copy = await open(copyOf(path), runtime);
  assert.deepEqual([copy.loadPosition("small"), copy.loadPosition("large")?.offset], [{ offset: 2, above: [] }, 1]);
  assert.equal(errors.length, 1);
  for (const each of [log, copy]) await each.close();
});
