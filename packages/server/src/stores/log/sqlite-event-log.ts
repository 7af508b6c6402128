import { resolve } from "node:path";
import { LoomError, type Runtime, type Timer } from "@loom-bridge/protocol";
import { LoggedEvent, sizeOf } from "../../domain/bus/bus-event.ts";
import type { EventLog, LogPosition } from "../../domain/log/event-log.ts";
import { defaultRetentionLimits, type RetentionLimits } from "../../domain/log/retention-limits.ts";
import { type Logger, silentLogger } from "../../domain/logger.ts";
import { openDatabase } from "../sqlite/open-database.ts";
import { sqliteFailure } from "../sqlite/sqlite-failure.ts";
import { AppendBatches, type Batch, type ChangedPositions } from "./append-batches.ts";
import { createLogQueries } from "./log-queries.ts";
import { logSchema } from "./log-schema.ts";
import { Positions } from "./positions.ts";
import { RetentionIndex } from "./retention-index.ts";
import { selectPage } from "./select-page.ts";
import { createTopicLine } from "./topic-line.ts";

/** Where events are kept on disk, how many, and for how long. */
export interface SqliteEventLogOptions {
  /** The file, which one bridge has for itself. Its directory must exist; the file is made when it does not. */
  readonly path: string;
  readonly runtime: Runtime;
  readonly limits?: Partial<RetentionLimits>;
  /** The most bytes the file may have. Default: what the disk holds. */
  readonly maxFileBytes?: number;
  /** Bytes of events that may wait to be written. Default: 64 MiB. */
  readonly maxQueuedBytes?: number;
  /** Events that share a transaction. Default: 512, some 5 ms in which the bridge does nothing else. */
  readonly batchEvents?: number;
  /** How long positions may wait for the next transaction, in ms. Default: 100: a crash repeats so much at most. An
   * owner's first is written at once. */
  readonly positionDelayMs?: number;
  /** Told when positions cannot be written, which nobody waits for. Default: nobody. */
  readonly logger?: Logger;
}

/** How long after a failure positions are written again, in ms: a disk that is full is not full for less. */
const retryDelayMs = 1000;

/**
 * Keeps events in an SQLite file: what is kept survives `kill -9` and a power cut. Events of one tick share a commit.
 * An index of what is kept stays in memory, some 40 bytes an event; the events themselves do not.
 * @throws LoomError `failed_precondition`, `unavailable` (another bridge has the file) or `data_loss`.
 */
export async function createSqliteEventLog(options: SqliteEventLogOptions): Promise<EventLog> {
  const { runtime, maxQueuedBytes = 67_108_864, batchEvents = 512, positionDelayMs = 100 } = options;
  const { logger = silentLogger } = options;
  const limits: RetentionLimits = { ...defaultRetentionLimits, ...options.limits };
  const database = await openDatabase({
    path: resolve(options.path),
    busyTimeoutMs: 0,
    schema: logSchema,
    ...(options.maxFileBytes === undefined ? {} : { maxFileBytes: options.maxFileBytes }),
  });
  const queries = createLogQueries(database);
  const positions = new Positions(limits.positions);
  const batches = new AppendBatches(maxQueuedBytes, batchEvents);
  /** What the next transaction has to do besides adding events. */
  const prunedOffsets: number[] = [];
  const changedTopics = new Set<string>();
  /** Positions that were saved while no event waited. */
  const changedPositions: ChangedPositions = new Map();
  const index = new RetentionIndex<undefined>({
    limits,
    now: runtime.now,
    createContents: () => undefined,
    onPruned({ topic }, offset) {
      prunedOffsets.push(offset);
      changedTopics.add(topic);
    },
    onForgotten: (topic) => void changedTopics.add(topic),
  });
  if (queries.head().id === "") queries.begin(runtime.uuid());
  const { id, ...stored } = queries.head();
  let head = stored.head;
  load();
  let scheduled = false;
  let positionTimer: Timer | undefined;

  function load(): void {
    Object.assign(index.gone, stored.gone);
    for (const { topic, prunedThrough, prunedMs } of queries.topics()) {
      index.lines.set(topic, createTopicLine(topic, undefined, { through: prunedThrough, ms: prunedMs }));
    }
    for (const { topic, offset, publishedMs, bytes } of queries.entries()) {
      index.add(index.lineOf(topic), offset, publishedMs, bytes);
    }
    index.last = head;
    for (const [owner, position] of queries.positions()) positions.set(owner, position);
  }

  const commit = database.transaction((events: readonly LoggedEvent[], changed: ChangedPositions) => {
    for (const event of events) queries.insert(event);
    for (const offset of prunedOffsets) queries.remove(offset);
    for (const topic of changedTopics) {
      const line = index.lines.get(topic);
      if (line === undefined) queries.removeTopic(topic);
      else queries.saveTopic(topic, line.prunedThrough, line.prunedMs);
    }
    for (const [owner, position] of changed) queries.savePosition(owner, position);
    queries.saveHead(events.at(-1)?.offset ?? index.last, index.gone);
  });

  function write(batch: Batch | undefined): void {
    for (const [owner, position] of batch?.positions ?? []) changedPositions.set(owner, position);
    positionTimer?.cancel();
    positionTimer = undefined;
    try {
      commit.immediate(batch?.events ?? [], changedPositions);
    } catch (error) {
      batch?.written.reject(sqliteFailure(error, "the event log"));
      if (changedPositions.size === 0) return;
      // Until they are written, a crash sets their owners back, and what they are done with is delivered again.
      logger.error("the positions of durable subscriptions could not be written; they are tried again", { error });
      writePositionsIn(retryDelayMs);
      return;
    }
    prunedOffsets.length = 0;
    changedTopics.clear();
    changedPositions.clear();
    for (const event of batch?.events ?? []) {
      index.add(index.lineOf(event.topic), event.offset, event.publishedMs, sizeOf(event));
    }
    batch?.written.resolve();
  }

  function writeAll(): void {
    do write(batches.take());
    while (!batches.isEmpty);
  }

  function writePositionsIn(delayMs: number): void {
    positionTimer ??= runtime.setTimer(() => {
      positionTimer = undefined;
      if (database.open) write(batches.take());
    }, delayMs);
  }

  function schedule(): void {
    if (scheduled || batches.isEmpty) return;
    scheduled = true;
    runtime.defer(() => {
      scheduled = false;
      if (!database.open) return;
      write(batches.take());
      schedule();
    });
  }

  return {
    kind: "sqlite",
    isDurable: true,
    id,
    get head() {
      return head;
    },
    append(event, publishedMs) {
      if (!database.open) throw new LoomError("unavailable", "the event log is closed; the bridge is stopping");
      batches.requireRoom(sizeOf(event));
      head += 1;
      const logged = new LoggedEvent(event, head, publishedMs);
      batches.add(logged);
      schedule();
      return logged;
    },
    kept: () => batches.last?.written.promise,
    read(filters, from, maxEvents, maxBytes) {
      const { found, ...page } = selectPage(index, filters, from, { events: maxEvents, bytes: maxBytes });
      return { events: found.flatMap(({ offset }) => queries.find(offset) ?? []), ...page };
    },
    loadPosition: (owner) => positions.get(owner),
    savePosition(owner: string, position: LogPosition) {
      const isFirst = positions.get(owner) === undefined;
      const forgotten = positions.set(owner, position);
      // What was published before, a dead letter for example, is written with it or earlier: never later.
      const changed = batches.last?.positions ?? changedPositions;
      changed.set(owner, position);
      if (forgotten !== undefined) changed.set(forgotten, undefined);
      // A subscription that is said to stand must begin at the same place after a crash.
      if (isFirst) writeAll();
      else if (changed === changedPositions) writePositionsIn(positionDelayMs);
    },
    async close() {
      if (!database.open) return;
      positionTimer?.cancel();
      writeAll();
      database.close();
    },
  };
}
