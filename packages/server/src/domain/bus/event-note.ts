import type { Journal, JournalDetail, JournalVerb } from "../journal/journal.ts";
import type { BusEvent } from "./bus-event.ts";

/** Notes in the journal what happened to an event on its way to one subscriber or group. */
export type EventNote = (what: JournalVerb, event: BusEvent, detail: JournalDetail) => void;

export function createEventNote(journal: Journal, subscriber: string): EventNote {
  return (what, { id, topic }, detail) => journal.record(what, id, subscriber, topic, detail);
}
