import type { Runtime } from "@loom-bridge/protocol";
import { columnOf, Ring } from "../ring.ts";

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

/** What is noted of an event that was published. */
export interface PublishedEvent {
  readonly id: string;
  readonly sender: string;
  readonly topic: string;
  readonly publishedMs: number;
  /** Its place in the log. 0: it is not kept. */
  readonly offset: number;
}

export type SentEvent = Pick<PublishedEvent, "id" | "topic">;

/** Remembers for a while what happened to events and calls. */
export interface Journal {
  /** Notes one thing. An event or call without an id cannot be asked for, and is not noted. */
  record(what: JournalVerb, id: string, agentId: string, subject: string, detail: JournalDetail): void;
  /** Notes that an event was published, to so many. It asks no clock and makes no object, for it is the most of all. */
  recordPublished(event: PublishedEvent, matched: number): void;
  /** Notes that events were sent to an agent, all at one time. */
  recordSent(events: readonly SentEvent[], agentId: string): void;
  /** Everything that is remembered of an event or a call. */
  explain(id: string): JournalStory;
}

/** For a bridge that keeps no journal. */
export const silentJournal: Journal = {
  record() {},
  recordPublished() {},
  recordSent() {},
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

/** Where the texts and numbers of an entry lie in its rows; `matched` and `offset` are of `recordPublished`. */
const text = { id: 0, what: 1, agentId: 2, subject: 3, detail: 4 } as const;
const textWidth = 5;
const number = { timestampMs: 0, bytes: 1, matched: 2, offset: 3 } as const;
const numberWidth = 4;

/** What an entry counts for besides its texts. */
const entryBytes = 64;

/**
 * A journal in a ring: the oldest entries make room. There is no index: a note must cost next to nothing, because
 * every event makes some, while questions are rare and looking through the whole ring takes about a millisecond.
 */
export function createJournal(runtime: Runtime, limits: Partial<JournalLimits> = {}): Journal {
  const { maxEntries, maxBytes, maxAgeMs } = { ...defaultJournalLimits, ...limits };
  const ring = new Ring((places) => ({
    texts: columnOf<JournalDetail>(textWidth * places, ""),
    numbers: new Float64Array(numberWidth * places),
  }));
  /** One for each that comes would wait for memory each time; the processor fetches the next ones of many ahead. */
  const forgottenAtOnce = Math.ceil(maxEntries / 500);
  let bytes = 0;
  let sinceMs = runtime.now();

  function timestampMsAt(place: number): number {
    return ring.columns.numbers[numberWidth * place + number.timestampMs] as number;
  }

  function forgetOldest(): void {
    const { columns } = ring;
    const place = ring.placeOf(0);
    bytes -= columns.numbers[numberWidth * place + number.bytes] as number;
    sinceMs = timestampMsAt(place);
    for (let field = 0; field < textWidth; field += 1) columns.texts[textWidth * place + field] = "";
    ring.shift();
  }

  function forgetOld(): void {
    const limitMs = runtime.now() - maxAgeMs;
    while (ring.length > 0 && timestampMsAt(ring.placeOf(0)) < limitMs) forgetOldest();
    sinceMs = Math.max(sinceMs, limitMs);
  }

  function add(
    what: JournalVerb,
    id: string,
    agentId: string,
    subject: string,
    detail: JournalDetail,
    nowMs: number,
  ): number {
    const size = sizeOf(id, agentId, subject, detail);
    if (ring.length === maxEntries) for (let count = 0; count < forgottenAtOnce; count += 1) forgetOldest();
    while (ring.length > 0 && bytes + size > maxBytes) forgetOldest();
    const place = ring.push();
    const { texts, numbers } = ring.columns;
    const row = textWidth * place;
    texts[row + text.id] = id;
    texts[row + text.what] = what;
    texts[row + text.agentId] = agentId;
    texts[row + text.subject] = subject;
    texts[row + text.detail] = detail;
    numbers[numberWidth * place + number.timestampMs] = nowMs;
    numbers[numberWidth * place + number.bytes] = size;
    bytes += size;
    return place;
  }

  function detailAt(place: number): string {
    const { texts, numbers } = ring.columns;
    const detail = texts[textWidth * place + text.detail] as JournalDetail;
    const row = numberWidth * place;
    if (detail !== counts) return asText(detail);
    return asText({
      matched: numbers[row + number.matched] as number,
      offset: numbers[row + number.offset] as number,
    });
  }

  return {
    record(what, id, agentId, subject, detail) {
      if (id !== "") add(what, id, agentId, subject, detail, runtime.now());
    },
    recordPublished({ id, sender, topic, publishedMs, offset }, matched) {
      if (id === "") return;
      const row = numberWidth * add("published", id, sender, topic, counts, publishedMs);
      ring.columns.numbers[row + number.matched] = matched;
      ring.columns.numbers[row + number.offset] = offset;
    },
    recordSent(events, agentId) {
      const nowMs = runtime.now();
      for (const { id, topic } of events) if (id !== "") add("sent", id, agentId, topic, "", nowMs);
    },
    explain(id) {
      forgetOld();
      const { texts } = ring.columns;
      const records: JournalRecord[] = [];
      for (let index = 0; index < ring.length; index += 1) {
        const place = ring.placeOf(index);
        const row = textWidth * place;
        if (texts[row + text.id] !== id) continue;
        records.push({
          timestampMs: timestampMsAt(place),
          what: texts[row + text.what] as JournalVerb,
          agentId: texts[row + text.agentId] as string,
          subject: texts[row + text.subject] as string,
          detail: detailAt(place),
        });
      }
      return { records, sinceMs };
    },
  };
}

/** Stands for what `recordPublished` notes in numbers. */
const counts: JournalDetail = {};

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
