import type { Runtime } from "@loom-bridge/protocol";
import { type LoggedEvent, sizeOf } from "../../domain/bus/bus-event.ts";
import type { EventLog } from "../../domain/log/event-log.ts";
import { defaultRetentionLimits, type RetentionLimits } from "../../domain/log/retention-limits.ts";
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
  const index = new RetentionIndex<LoggedEvent>({ limits, now: runtime.now, bytesOf: sizeOf });
  const positions = new Positions(limits.positions);
  return {
    kind: "memory",
    isDurable: false,
    id: runtime.uuid(),
    get head() {
      return index.last;
    },
    append({ topic, id, type, sender, body, key = "", chain }, publishedMs) {
      const logged = { topic, id, type, sender, body, key, chain, offset: index.last + 1, publishedMs };
      index.add(logged);
      return logged;
    },
    kept: () => undefined,
    read(filters, from, maxEvents, maxBytes) {
      const max = { events: maxEvents, bytes: maxBytes, bytesOf: sizeOf };
      const { entries, ...page } = selectPage(index, filters, from, max);
      return { events: entries, ...page };
    },
    loadPosition: (owner) => positions.get(owner),
    savePosition: (owner, position) => void positions.set(owner, position),
    async close() {},
  };
}
