import { limits } from "./limits.ts";
import { LoomError } from "./loom-error.ts";

/** Stands for exactly one segment of a topic. */
export const anySegment = "*";
/** As the last segment of a filter: stands for one or more segments. */
export const anyDepth = "**";

const segmentPattern = /^[A-Za-z0-9_:-]+$/;

/** The first segments of the topics that only a bridge publishes to: its own news, and letters that were given up. */
const bridgeRoots: ReadonlySet<string> = new Set(["$sys", "$dlq"]);
/** What a dead letter's topic has before the topic of the event. */
const deadLetterPrefix = "$dlq.";

/** Whether only a bridge publishes to this topic: it begins with `$`. */
export function isBridgeTopic(topic: string): boolean {
  return topic.startsWith("$");
}

/** The topic on which an event of `topic` is kept that no subscriber could handle. */
export function deadLetterTopic(topic: string): string {
  return deadLetterPrefix + topic;
}

/**
 * Returns the segments of a topic. Topics under `$sys.` and `$dlq.` are topics too; only a bridge publishes to them.
 * @throws LoomError `invalid_argument` that names the rule, when it is none.
 */
export function parseTopic(topic: string): string[] {
  return parse("topic", topic, isTopicSegment);
}

/**
 * Returns the segments of a filter: a topic, or a pattern with `*` for one segment and a trailing `**` for any depth.
 * @throws LoomError `invalid_argument` that names the rule, when it is none.
 */
export function parseFilter(filter: string): string[] {
  return parse("filter", filter, isFilterSegment);
}

/**
 * Tells whether the segments of a filter match the segments of a topic. A pattern in the first place matches no topic
 * of the bridge's own, so that whoever asks for everything is not sent what the bridge says of itself.
 */
export function filterMatches(filter: readonly string[], topic: readonly string[]): boolean {
  if (topic[0]?.startsWith("$") && topic[0] !== filter[0]) return false;
  for (const [index, segment] of filter.entries()) {
    if (segment === anyDepth) return topic.length > index;
    if (index >= topic.length) return false;
    if (segment !== anySegment && segment !== topic[index]) return false;
  }
  return filter.length === topic.length;
}

type IsSegment = (segment: string, last: boolean) => boolean;

const isTopicSegment: IsSegment = (segment) => segmentPattern.test(segment);
const isFilterSegment: IsSegment = (segment, last) =>
  segmentPattern.test(segment) || segment === anySegment || (last && segment === anyDepth);

function parse(field: string, value: string, isSegment: IsSegment): string[] {
  // A dead letter's topic has all of the other topic's room, and its prefix.
  const isDeadLetter = value.startsWith(deadLetterPrefix);
  const maxBytes = limits.topicBytes + (isDeadLetter ? deadLetterPrefix.length : 0);
  const maxSegments = limits.topicSegments + (isDeadLetter ? 1 : 0);
  const bytes = Buffer.byteLength(value);
  if (bytes > maxBytes) {
    const facts = { limit: "topicBytes", value: String(maxBytes) };
    throw invalid(field, value, `has ${bytes} bytes; at most ${maxBytes} are allowed; shorten it`, facts);
  }
  const segments = value.split(".");
  if (segments.length > maxSegments) {
    const facts = { limit: "topicSegments", value: String(maxSegments) };
    throw invalid(
      field,
      value,
      `has ${segments.length} segments; at most ${maxSegments} are allowed; join some`,
      facts,
    );
  }
  for (const [index, segment] of segments.entries()) {
    if (segment === "") throw invalid(field, value, "is empty or has an empty segment");
    if (isSegment(segment, index === segments.length - 1)) continue;
    if (index === 0 && bridgeRoots.has(segment) && segments.length > 1) continue;
    throw invalid(field, value, `has the segment ${JSON.stringify(segment)}; ${segmentRule[field]}`);
  }
  return segments;
}

const segmentRule: Record<string, string> = {
  topic: "a segment is made of A-Z a-z 0-9 _ : -",
  filter: 'a segment is made of A-Z a-z 0-9 _ : - or is "*", and the last one may be "**"',
};

function invalid(field: string, value: string, problem: string, facts: Record<string, string> = {}): LoomError {
  const shown = value.length > 80 ? `${value.slice(0, 80)}…` : value;
  return new LoomError("invalid_argument", `${field} ${JSON.stringify(shown)} ${problem}`, {
    details: { field, ...facts },
  });
}
