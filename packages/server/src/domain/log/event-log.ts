import type { BusEvent, LoggedEvent } from "../bus/bus-event.ts";

/** Parsed filters, of which one must match. */
export type Filters = readonly (readonly string[])[];

/** Where a page of the log begins. */
export interface ReadFrom {
  /** Only events after this offset. */
  readonly afterOffset: number;
  /** Of these, those from the first on that was published at this time or later, in ms since the Unix epoch. */
  readonly sinceMs?: number;
  /** Of these, only the last event of each topic, up to this offset. */
  readonly lastUpTo?: number;
}

/** Events in the order of their offsets. */
export interface LogPage {
  readonly events: readonly LoggedEvent[];
  /** Nothing that matches is left up to here; the next page begins after it. */
  readonly through: number;
  /** Whether the page reaches to the end of what is kept. */
  readonly atEnd: boolean;
  /** Whether events that match were no longer kept. May be true for too many, never for too few. */
  readonly lost: boolean;
}

/** How far a subscriber has come: it is done with everything up to `offset`, and with those in `above`. */
export interface LogPosition {
  readonly offset: number;
  readonly above: readonly number[];
}

/** Keeps the recent events of every topic, in one order, and where subscribers stand in it. A port: see stores/log. */
export interface EventLog {
  /** The driver: "memory" or "sqlite". */
  readonly kind: string;
  /** Whether an event takes a while until it is kept. */
  readonly isDurable: boolean;
  /** Another id says that offsets mean other events. */
  readonly id: string;
  /** The offset of the last event that was appended. 0: none ever was. */
  readonly head: number;
  /**
   * Adds an event and gives it the next offset.
   * @throws LoomError `resource_exhausted` when too many wait to be written; nothing was added then.
   */
  append(event: BusEvent, publishedMs: number): LoggedEvent;
  /**
   * Resolves once everything that was appended will survive what the driver promises; nothing when it does already.
   * Rejects with a LoomError when the last of it was lost. Promises of later calls never settle earlier.
   */
  kept(): Promise<void> | undefined;
  /** Reads what is kept, at most `maxEvents` and, after the first, `maxBytes`. */
  read(filters: Filters, from: ReadFrom, maxEvents: number, maxBytes: number): LogPage;
  /** Where an owner stands. Seen at once after `savePosition`, also before it is written. */
  loadPosition(owner: string): LogPosition | undefined;
  /** Remembers where an owner stands. The owners saved longest ago are forgotten when there are too many. */
  savePosition(owner: string, position: LogPosition): void;
  /** Writes what waits. Harmless when repeated. */
  close(): Promise<void>;
}
