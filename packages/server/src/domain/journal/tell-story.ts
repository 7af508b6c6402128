import type { Runtime } from "@loom-bridge/protocol";
import type { EventBus } from "../bus/event-bus.ts";
import type { Journal, JournalRecord, JournalStory } from "./journal.ts";

export interface StorySources {
  readonly journal: Journal;
  readonly bus: Pick<EventBus, "pending">;
  readonly runtime: Runtime;
}

/** What is remembered of an event or a call, and then where copies of the event are that somebody has still to come to. */
export function tellStory({ journal, bus, runtime }: StorySources, id: string): JournalStory {
  const { records, sinceMs } = journal.explain(id);
  const topics = new Set(records.filter(({ what }) => what === "published").map(({ subject }) => subject));
  const timestampMs = runtime.now();
  const waiting = [...topics].flatMap((topic) =>
    bus.pending(topic, id).map(
      ({ subscriber, place }): JournalRecord => ({
        timestampMs,
        what: "waiting",
        agentId: subscriber,
        subject: topic,
        detail: place,
      }),
    ),
  );
  return { records: [...records, ...waiting], sinceMs };
}
