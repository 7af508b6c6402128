import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createSqliteEventLog } from "../../stores/log/sqlite-event-log.ts";
import { createBusWorld, eventOf, idsOf, takeAll } from "../bus/bus-world.test-helper.ts";
import { createManualRuntime } from "../manual-runtime.ts";
import { PublishLine } from "./publish-line.ts";

const bounds = { window: 100, maxBytes: 1_000_000, onChange: () => {}, onRefused: () => {} };

test("with a durable log, publishes of a tick share a write, and are answered and delivered after it, in order", async () => {
  const directory = mkdtempSync(join(tmpdir(), "publish-line-"));
  const runtime = createManualRuntime();
  const log = await createSqliteEventLog({ path: join(directory, "log.db"), runtime });
  const { bus, subscriber, subscribe } = createBusWorld({ runtime, log });
  const subscription = subscribe(subscriber("agent"));
  const line = new PublishLine({ ...bounds, bus });
  for (let ref = 1; ref <= 5; ref += 1) line.submit(ref, eventOf("a", String(ref), "sender"));
  line.submit(6, eventOf("not a topic"));
  line.submit(7, eventOf("a", "5", "sender"));
  assert.deepEqual([line.takeReceipts(), takeAll(subscription), log.head], [[], [], 5]);
  await line.idle();
  assert.deepEqual(
    line.takeReceipts().map(({ ref, count, offset, duplicate, error }) => [ref, count, offset, duplicate, error?.code]),
    [
      [1, 5, 5, false, undefined],
      [6, 1, 0, false, "invalid_argument"],
      [7, 1, 5, true, undefined],
    ],
  );
  assert.deepEqual(idsOf(takeAll(subscription)), ["1", "2", "3", "4", "5"]);
  await log.close();
  rmSync(directory, { recursive: true });
});

test("what the log cannot keep is refused, delivered to nobody, and may be published again", async () => {
  const directory = mkdtempSync(join(tmpdir(), "publish-line-"));
  const runtime = createManualRuntime();
  const log = await createSqliteEventLog({ path: join(directory, "log.db"), runtime, maxFileBytes: 100_000 });
  const { bus, subscriber, subscribe } = createBusWorld({ runtime, log });
  const subscription = subscribe(subscriber("agent"));
  const line = new PublishLine({ ...bounds, bus });
  const large = { ...eventOf("a", "large", "sender"), body: new Uint8Array(200_000) };
  for (const ref of [1, 2]) {
    line.submit(ref, large);
    await line.idle();
    const [receipt] = line.takeReceipts();
    assert.deepEqual([receipt?.ref, receipt?.error?.code, receipt?.duplicate], [ref, "unavailable", false]);
  }
  assert.deepEqual(takeAll(subscription), []);
  line.submit(3, eventOf("a", "small", "sender"));
  await line.idle();
  assert.deepEqual(idsOf(takeAll(subscription)), ["small"]);
  await log.close();
  rmSync(directory, { recursive: true });
});

test("a receipt of a dropped event stands alone, with the reason", () => {
  const { bus, subscriber, subscribe } = createBusWorld();
  subscribe(subscriber("slow"), { quality: "realtime", overflow: "drop-newest" });
  const line = new PublishLine({ ...bounds, window: 10_000, bus });
  for (let ref = 1; ref <= 514; ref += 1) line.submit(ref, eventOf("a"));
  assert.deepEqual(
    line.takeReceipts().map(({ ref, count, queued, drops }) => [ref, count, queued, drops]),
    [
      [1, 512, 1, []],
      [513, 1, 0, [{ reason: "queue-full", count: 1 }]],
      [514, 1, 0, [{ reason: "queue-full", count: 1 }]],
    ],
  );
});
