import { topicMatches } from "../topic-matches.ts";
import type { ProbeEvent } from "./probe-event.ts";

/** The payloads of a system's topics, by topic: `{ "orders.new": { id: number } }`. Makes probes typed. */
export type TopicPayloads = Record<string, unknown>;

/** A value of which everything that is given must be equal, at any depth. */
export type Like<Value> = unknown extends Value
  ? Readonly<Record<string, unknown>> | readonly unknown[] | string | number | boolean | null
  : Value extends readonly unknown[]
    ? Value
    : Value extends object
      ? { readonly [Key in keyof Value]?: Like<Value[Key]> }
      : Value;

/** What an event must be. Everything that is given must hold. */
export interface EventPattern<Topic extends string = string, Payload = unknown> {
  /** A topic, or a filter such as `orders.*`. */
  readonly topic?: Topic;
  readonly type?: string;
  /** The agent that published it. */
  readonly sender?: string;
  /** What the payload holds at least, or a function that decides. */
  readonly payload?: Like<Payload> | ((payload: Payload) => boolean);
}

/** A topic or filter, a pattern, or a function that decides. */
export type EventMatch<Topic extends string = string, Payload = unknown> =
  | Topic
  | EventPattern<Topic, Payload>
  | ((event: ProbeEvent<Payload>) => boolean);

export function matchesEvent(match: EventMatch | undefined, event: ProbeEvent): boolean {
  if (match === undefined) return true;
  if (typeof match === "function") return match(event);
  const { topic, type, sender, payload } = typeof match === "string" ? { topic: match } : (match as EventPattern);
  if (topic !== undefined && !topicMatches(topic, event.topic)) return false;
  if (type !== undefined && type !== event.type) return false;
  if (sender !== undefined && sender !== event.sender) return false;
  if (payload === undefined) return true;
  return typeof payload === "function" ? payload(event.payload) : isLike(payload, event.payload);
}

/** Whether everything in `pattern` is equal in `value`. Arrays must be equal whole. */
export function isLike(pattern: unknown, value: unknown): boolean {
  if (Object.is(pattern, value)) return true;
  if (typeof pattern !== "object" || typeof value !== "object" || pattern === null || value === null) return false;
  if (Array.isArray(pattern)) {
    if (!Array.isArray(value) || pattern.length !== value.length) return false;
    return pattern.every((part, index) => isLike(part, value[index]));
  }
  return Object.entries(pattern).every(([key, part]) => isLike(part, (value as Record<string, unknown>)[key]));
}

/** A pattern in the words of an error. */
export function describeMatch(match: EventMatch | undefined): string {
  if (match === undefined) return "any event";
  if (typeof match === "function") return match.name === "" ? `an event with ${String(match)}` : match.name;
  if (typeof match === "string") return `an event on ${match}`;
  const parts = Object.entries(match as EventPattern).map(([key, value]) => {
    return `${key} ${typeof value === "function" ? String(value) : JSON.stringify(value)}`;
  });
  return parts.length === 0 ? "any event" : `an event with ${parts.join(", ")}`;
}

/**
 * Gives each match an event of its own, if that can be done; returns the matches that got none.
 * https://en.wikipedia.org/wiki/Matching_(graph_theory)#In_unweighted_bipartite_graphs
 */
export function unmatched(matches: readonly EventMatch[], events: readonly ProbeEvent[]): EventMatch[] {
  const owners = new Map<number, number>();
  const claim = (matchIndex: number, tried: Set<number>): boolean =>
    events.some((event, eventIndex) => {
      if (tried.has(eventIndex) || !matchesEvent(matches[matchIndex], event)) return false;
      tried.add(eventIndex);
      const owner = owners.get(eventIndex);
      if (owner !== undefined && !claim(owner, tried)) return false;
      owners.set(eventIndex, matchIndex);
      return true;
    });
  return matches.filter((_, index) => !claim(index, new Set()));
}
