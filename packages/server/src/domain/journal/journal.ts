import type { Runtime } from "@loom-bridge/protocol";

/** What can happen to an event or a call. */
export type JournalVerb =
  | "published"
  | "queued"
  | "sent"
  | "acknowledged"
  | "dropped"
  | "retried"
  | "dead-lettered"
  | "refused"
  | "duplicate"
  | "called"
  | "answered"
  // Now, while it is asked for.
  | "waiting";

/** Facts as text, or as an object that is written out only when somebody asks. It must not change any more. */
export type JournalDetail = string | Readonly<Record<string, string | number>>;

export interface JournalRecord {
  /** In milliseconds since the Unix epoch. */
  readonly timestampMs: number;
  readonly what: JournalVerb;
  /** The agent it happened to; empty for the bridge. */
  readonly agentId: string;
  /** The topic or the tool. */
  readonly subject: string;
  readonly detail: string;
}

export interface JournalStory {
  /** Oldest first. */
  readonly records: readonly JournalRecord[];
  /** Since when nothing was forgotten, in milliseconds since the Unix epoch. Nothing: the journal is off. */
  readonly sinceMs: number | undefined;
}

/** Remembers for a while what happened to events and calls. */
export interface Journal {
  /** Notes one thing. An event or call without an id cannot be asked for, and is not noted. */
  record(what: JournalVerb, id: string, agentId: string, subject: string, detail: JournalDetail): void;
  /** Everything that is remembered of an event or a call. */
  explain(id: string): JournalStory;
}

/** For a bridge that keeps no journal. */
export const silentJournal: Journal = {
  record() {},
  explain: () => ({ records: [], sinceMs: undefined }),
};

/** How much a journal keeps; the oldest goes first. */
export interface JournalLimits {
  /** Default: 50 000, some 10 000 events with a few subscribers each. */
  readonly maxEntries: number;
  /** Of ids, subjects and details. Default: 16 MiB, what 50 000 entries of the usual size never reach. */
  readonly maxBytes: number;
  /** Default: 600 000, ten minutes. */
  readonly maxAgeMs: number;
}

export const defaultJournalLimits: JournalLimits = { maxEntries: 50_000, maxBytes: 16_777_216, maxAgeMs: 600_000 };

/** What an entry counts for besides its texts. */
const entryBytes = 64;

interface Entry {
  id: string;
  timestampMs: number;
  what: JournalVerb;
  agentId: string;
  subject: string;
  detail: JournalDetail;
  bytes: number;
}

/**
 * A journal in a ring: the oldest entries make room. There is no index: a note must cost next to nothing, because
 * every event makes some, while questions are rare and looking through the whole ring takes about a millisecond.
 */
export function createJournal(runtime: Runtime, limits: Partial<JournalLimits> = {}): Journal {
  const { maxEntries, maxBytes, maxAgeMs } = { ...defaultJournalLimits, ...limits };
  /** Entries are written anew and never given up: a new one for each note would cost more than all else. */
  const ring: Entry[] = [];
  let first = 0;
  let count = 0;
  let bytes = 0;
  let sinceMs = runtime.now();

  function forgetOldest(): void {
    const entry = ring[first] as Entry;
    first = first + 1 === maxEntries ? 0 : first + 1;
    count -= 1;
    bytes -= entry.bytes;
    sinceMs = entry.timestampMs;
    clear(entry);
  }

  function forgetOld(): void {
    const limitMs = runtime.now() - maxAgeMs;
    while (count > 0 && (ring[first]?.timestampMs ?? limitMs) < limitMs) forgetOldest();
    sinceMs = Math.max(sinceMs, limitMs);
  }

  return {
    record(what, id, agentId, subject, detail) {
      if (id === "") return;
      const size = sizeOf(id, agentId, subject, detail);
      while (count > 0 && (count === maxEntries || bytes + size > maxBytes)) forgetOldest();
      const next = first + count;
      const place = next < maxEntries ? next : next - maxEntries;
      const entry = (ring[place] ??= { ...nothing });
      entry.id = id;
      entry.timestampMs = runtime.now();
      entry.what = what;
      entry.agentId = agentId;
      entry.subject = subject;
      entry.detail = detail;
      entry.bytes = size;
      count += 1;
      bytes += size;
    },
    explain(id) {
      forgetOld();
      const records: JournalRecord[] = [];
      for (let index = 0; index < count; index += 1) {
        const entry = ring[(first + index) % maxEntries];
        if (entry?.id !== id) continue;
        const { timestampMs, what, agentId, subject, detail } = entry;
        records.push({ timestampMs, what, agentId, subject, detail: asText(detail) });
      }
      return { records, sinceMs };
    },
  };
}

/** Lets go of what it holds. */
function clear(entry: Entry): void {
  entry.id = "";
  entry.agentId = "";
  entry.subject = "";
  entry.detail = "";
}

const nothing: Entry = { id: "", timestampMs: 0, what: "published", agentId: "", subject: "", detail: "", bytes: 0 };

function sizeOf(id: string, agentId: string, subject: string, detail: JournalDetail): number {
  const detailBytes = typeof detail === "string" ? detail.length : entryBytes;
  return entryBytes + id.length + agentId.length + subject.length + detailBytes;
}

function asText(detail: JournalDetail): string {
  if (typeof detail === "string") return detail;
  return Object.entries(detail)
    .map(([name, value]) => `${name} ${value}`)
    .join(", ");
}
