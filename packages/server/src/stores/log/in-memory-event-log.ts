import type { Runtime } from "@loom-bridge/protocol";
import { LoggedEvent, sizeOf } from "../../domain/bus/bus-event.ts";
import type { EventLog } from "../../domain/log/event-log.ts";
import { defaultRetentionLimits, type RetentionLimits } from "../../domain/log/retention-limits.ts";
import { PackedEvents } from "./packed-events.ts";
import { Positions } from "./positions.ts";
import { RetentionIndex } from "./retention-index.ts";
import { selectPage } from "./select-page.ts";

/** How many events are kept in memory, and for how long. */
export interface InMemoryEventLogOptions {
  readonly runtime: Runtime;
  readonly limits?: Partial<RetentionLimits>;
}

/** Keeps events in memory: they survive a lost connection, not the process. */
export function createInMemoryEventLog(options: InMemoryEventLogOptions): EventLog {
  const { runtime } = options;
  const limits: RetentionLimits = { ...defaultRetentionLimits, ...options.limits };
  const index = new RetentionIndex<PackedEvents>({
    limits,
    now: runtime.now,
    createContents: () => new PackedEvents(),
    onPruned: ({ contents }) => contents.shift(),
  });
  const positions = new Positions(limits.positions);
  return {
    kind: "memory",
    isDurable: false,
    id: runtime.uuid(),
    get head() {
      return index.last;
    },
    append(event, publishedMs) {
      const offset = index.last + 1;
      const line = index.lineOf(event.topic);
      line.contents.push(event);
      index.add(line, offset, publishedMs, sizeOf(event));
      return new LoggedEvent(event, offset, publishedMs);
    },
    kept: () => undefined,
    read(filters, from, maxEvents, maxBytes) {
      const { found, ...page } = selectPage(index, filters, from, { events: maxEvents, bytes: maxBytes });
      const events = found.map(({ line, index: place, offset }) => {
        const publishedMs = line.entries.publishedMsAt(place);
        return { topic: line.topic, ...line.contents.at(place), offset, publishedMs };
      });
      return { events, ...page };
    },
    loadPosition: (owner) => positions.get(owner),
    savePosition: (owner, position) => void positions.set(owner, position),
    async close() {},
  };
}
