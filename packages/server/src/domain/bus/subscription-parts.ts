import { LoomError, type Runtime } from "@loom-bridge/protocol";
import type { Journal } from "../journal/journal.ts";
import type { EventLog, Filters } from "../log/event-log.ts";
import type { LoggedEvent } from "./bus-event.ts";
import { type BusLimits, queueItems } from "./bus-limits.ts";
import type { BusStatistics } from "./bus-statistics.ts";
import { CatchUp } from "./catch-up.ts";
import { EventFeed } from "./event-feed.ts";
import { createEventNote } from "./event-note.ts";
import type { PastGroups } from "./past-groups.ts";
import { PositionKeeper } from "./position-keeper.ts";
import { qualities } from "./quality.ts";
import type { Queued } from "./queued.ts";
import { Settlement } from "./settlement.ts";
import {
  defaultMaxAttempts,
  defaultSettleTimeoutMs,
  type StartPosition,
  type SubscriptionRequest,
} from "./subscription-request.ts";

/** What every subscription needs of the bus. */
export interface BusParts {
  readonly log: EventLog | undefined;
  readonly runtime: Runtime;
  readonly statistics: BusStatistics;
  readonly stallTimeoutMs: number;
  readonly limits: BusLimits;
  readonly journal: Journal;
  readonly pastGroups: PastGroups;
  /** An event was delivered in vain as often as allowed, or its subscriber will not have it. */
  readonly onGivenUp: (item: Queued, reason: string, subscriber: string) => void;
}

/** Where a subscription begins, and what keeps how far it has come where it is durable. */
export interface Beginning {
  readonly start: StartPosition | undefined;
  readonly keeper: PositionKeeper | undefined;
}

/** `owner` is whose position it is: an agent's or a group's. */
export function findBeginning(parts: BusParts, owner: string, request: SubscriptionRequest): Beginning {
  const { log } = parts;
  const { durable, start } = request;
  if (durable === undefined || log === undefined) return { start, keeper: undefined };
  const name = `${owner} ${durable}`;
  const known = log.loadPosition(name);
  if (known !== undefined) {
    const keeper = new PositionKeeper(log, name, known);
    return { start: { kind: "after", offset: known.offset, logId: "" }, keeper };
  }
  const isHere = start?.kind === "after" && (start.logId === "" || start.logId === log.id);
  const offset = start === undefined ? log.head : isHere ? Math.min(start.offset, log.head) : 0;
  const keeper = new PositionKeeper(log, name, { offset, above: [] });
  // From now on it begins where it begins now, whether it takes something or not.
  if (start === undefined || isHere) keeper.save();
  return { start, keeper };
}

export function createFeed(
  parts: BusParts,
  request: SubscriptionRequest,
  filters: Filters,
  options: {
    readonly beginning: Beginning;
    /** The agent's id, or the group. */
    readonly subscriber: string;
    readonly isWanted: (event: LoggedEvent) => boolean;
    readonly onReady: () => void;
    readonly onStall: (error: LoomError) => void;
  },
): EventFeed {
  const { log, runtime, statistics, stallTimeoutMs, journal, limits } = parts;
  const { beginning, subscriber, isWanted, onReady, onStall } = options;
  const { start, keeper } = beginning;
  const { overflow = qualities[request.quality].overflow } = request;
  return new EventFeed({
    queue: { maxItems: queueItems(limits)[request.quality], maxBytes: limits.queueBytes, overflow },
    catchUp:
      start === undefined || log === undefined
        ? undefined
        : new CatchUp({
            log,
            filters,
            start,
            isWanted: (event) => keeper?.isDone(event.offset) !== true && isWanted(event),
          }),
    afterOffset: log?.head ?? 0,
    runtime,
    statistics,
    stallTimeoutMs,
    note: createEventNote(journal, subscriber),
    onReady,
    onStall,
  });
}

export function createSettlement(
  parts: BusParts,
  request: SubscriptionRequest,
  options: {
    readonly subscriber: string;
    readonly feed: EventFeed;
    readonly onReady: () => void;
    readonly onDone: (item: Queued) => void;
  },
): Settlement {
  const { settleTimeoutMs = defaultSettleTimeoutMs, maxAttempts = defaultMaxAttempts } = request;
  return new Settlement({
    runtime: parts.runtime,
    settleTimeoutMs: request.atLeastOnce === true ? settleTimeoutMs : Number.POSITIVE_INFINITY,
    maxAttempts,
    note: createEventNote(parts.journal, options.subscriber),
    onReady: options.onReady,
    onDone: options.onDone,
    onGivenUp(item, reason) {
      options.feed.gaveUp();
      parts.onGivenUp(item, reason, options.subscriber);
    },
  });
}
