import type { EventLog, Filters } from "../log/event-log.ts";
import type { LoggedEvent } from "./bus-event.ts";
import type { StartPosition } from "./subscription-request.ts";

export interface CatchUpOptions {
  readonly log: EventLog;
  readonly filters: Filters;
  readonly start: StartPosition;
  /** Which events the subscription wants of those that its filters match. */
  readonly isWanted: (event: LoggedEvent) => boolean;
}

/** What a subscription reads on its way to the present. */
export interface CatchUpPage {
  readonly events: readonly LoggedEvent[];
  /** Whether events before these are no longer kept. */
  readonly lost: boolean;
  /** Set when the present is reached: what comes after this offset comes live. */
  readonly liveAfter: number | undefined;
}

/** Events and bytes of a page: about a queue's share, and short enough that nobody waits for it. */
const pageEvents = 256;
const pageBytes = 1_048_576;

/** Reads the log page by page, from where a subscription begins up to where it can go on live. */
export class CatchUp {
  readonly #options: CatchUpOptions;
  #afterOffset = 0;
  #sinceMs: number | undefined;
  #lastUpTo: number | undefined;
  /** Whether the next page tells of a loss. Not for who asks for the oldest that is kept. */
  #tellsLoss = true;
  #isOtherLog = false;

  constructor(options: CatchUpOptions) {
    const { log, start } = options;
    this.#options = options;
    this.#isOtherLog = start.logId !== "" && start.logId !== log.id;
    if (this.#isOtherLog) this.#tellsLoss = false;
    else if (start.kind === "after") {
      this.#afterOffset = Math.min(start.offset, log.head);
      this.#tellsLoss = start.offset > 0;
    } else if (start.kind === "since") this.#sinceMs = start.timeMs;
    else this.#lastUpTo = log.head;
  }

  /** Everything up to here was read. */
  get readThrough(): number {
    return this.#afterOffset;
  }

  next(): CatchUpPage {
    const { log, filters, isWanted } = this.#options;
    const page = log.read(filters, this.#from(), pageEvents, pageBytes);
    const lost = this.#isOtherLog || (page.lost && this.#tellsLoss);
    this.#afterOffset = page.through;
    this.#isOtherLog = false;
    this.#tellsLoss = true;
    if (page.atEnd || page.events.length > 0) this.#sinceMs = undefined;
    const isLive = page.atEnd && this.#lastUpTo === undefined;
    if (page.atEnd) this.#lastUpTo = undefined;
    return { events: page.events.filter(isWanted), lost, liveAfter: isLive ? page.through : undefined };
  }

  #from(): { afterOffset: number; sinceMs?: number; lastUpTo?: number } {
    const afterOffset = this.#afterOffset;
    if (this.#lastUpTo !== undefined) return { afterOffset, lastUpTo: this.#lastUpTo };
    return this.#sinceMs === undefined ? { afterOffset } : { afterOffset, sinceMs: this.#sinceMs };
  }
}
