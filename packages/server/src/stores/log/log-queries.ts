import type { Database, Statement } from "better-sqlite3";
import { type LoggedEvent, sizeOf } from "../../domain/bus/bus-event.ts";
import type { LogPosition } from "../../domain/log/event-log.ts";
import type { Gone } from "./topic-line.ts";

/** What stays in memory of an event in the file. */
export interface StoredEntry {
  readonly topic: string;
  readonly offset: number;
  readonly publishedMs: number;
  readonly bytes: number;
}

interface EventRow {
  readonly offset: number;
  readonly topic: string;
  readonly published_ms: number;
  readonly id: string;
  readonly type: string;
  readonly sender: string;
  readonly key: string;
  readonly chain: string;
  readonly body: Buffer;
}

/** Every statement on a log's file. */
export interface LogQueries {
  head(): { id: string; head: number; gone: Gone };
  begin(id: string): void;
  saveHead(head: number, gone: Gone): void;
  insert(event: LoggedEvent): void;
  remove(offset: number): void;
  find(offset: number): LoggedEvent | undefined;
  entries(): IterableIterator<StoredEntry>;
  topics(): { topic: string; prunedThrough: number; prunedMs: number }[];
  saveTopic(topic: string, prunedThrough: number, prunedMs: number): void;
  removeTopic(topic: string): void;
  /** Those saved longest ago first. */
  positions(): [owner: string, position: LogPosition][];
  savePosition(owner: string, position: LogPosition | undefined): void;
}

export function createLogQueries(database: Database): LogQueries {
  const frameBytes = sizeOf({ topic: "", id: "", type: "", sender: "", body: new Uint8Array() });
  const prepare = (sql: string): Statement => database.prepare<unknown[]>(sql);
  const head = prepare("SELECT id, head, gone_through AS through, gone_ms AS ms FROM log");
  const begin = prepare("INSERT INTO log (only, id, head) VALUES (1, ?, 0)");
  const saveHead = prepare("UPDATE log SET head = ?, gone_through = ?, gone_ms = ?");
  const insert = prepare("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
  const remove = prepare("DELETE FROM events WHERE offset = ?");
  const find = prepare("SELECT * FROM events WHERE offset = ?");
  const entries = prepare(
    `SELECT offset, topic, published_ms AS publishedMs, length(body) + ${frameBytes} AS bytes FROM events ORDER BY offset`,
  );
  const topics = prepare("SELECT topic, pruned_through AS prunedThrough, pruned_ms AS prunedMs FROM topics");
  const saveTopic = prepare("INSERT OR REPLACE INTO topics VALUES (?, ?, ?)");
  const removeTopic = prepare("DELETE FROM topics WHERE topic = ?");
  const positions = prepare("SELECT owner, offset, above FROM positions ORDER BY id");
  const savePosition = prepare("INSERT OR REPLACE INTO positions (owner, offset, above) VALUES (?, ?, ?)");
  const removePosition = prepare("DELETE FROM positions WHERE owner = ?");
  return {
    head() {
      const row = head.get() as ({ id: string; head: number } & Gone) | undefined;
      return { id: row?.id ?? "", head: row?.head ?? 0, gone: { through: row?.through ?? 0, ms: row?.ms ?? 0 } };
    },
    begin: (id) => void begin.run(id),
    saveHead: (offset, gone) => void saveHead.run(offset, gone.through, wholeMs(gone.ms)),
    insert({ offset, topic, publishedMs, id, type, sender, key, chain, body }) {
      const chainText = chain === undefined ? "" : JSON.stringify(chain);
      insert.run(offset, topic, wholeMs(publishedMs), id, type, sender, key, chainText, body);
    },
    remove: (offset) => void remove.run(offset),
    find(offset) {
      const row = find.get(offset) as EventRow | undefined;
      if (row === undefined) return undefined;
      const { topic, id, type, sender, key, chain, body } = row;
      return {
        topic,
        id,
        type,
        sender,
        body,
        key,
        chain: chain === "" ? undefined : JSON.parse(chain),
        offset,
        publishedMs: row.published_ms,
      };
    },
    entries: () => entries.iterate() as IterableIterator<StoredEntry>,
    topics: () => topics.all() as { topic: string; prunedThrough: number; prunedMs: number }[],
    saveTopic: (topic, through, ms) => void saveTopic.run(topic, through, wholeMs(ms)),
    removeTopic: (topic) => void removeTopic.run(topic),
    positions() {
      const rows = positions.all() as { owner: string; offset: number; above: string }[];
      return rows.map(({ owner, offset, above }) => [owner, { offset, above: JSON.parse(above) as number[] }]);
    },
    savePosition(owner, position) {
      if (position === undefined) removePosition.run(owner);
      else savePosition.run(owner, position.offset, JSON.stringify(position.above));
    },
  };
}

/** Columns of a STRICT table take no fractions, and no infinity, which stands for "never". */
function wholeMs(ms: number): number {
  return Number.isFinite(ms) ? Math.floor(ms) : 0;
}
