import { limits } from "./limits.ts";
import { LoomError } from "./loom-error.ts";

/** Stands for exactly one segment of a topic. */
export const anySegment = "*";
/** As the last segment of a filter: stands for one or more segments. */
export const anyDepth = "**";

const segmentPattern = /^[A-Za-z0-9_:-]+$/;

/**
 * Returns the segments of a topic.
 * @throws LoomError `invalid_argument` that names the rule, when it is none.
 */
export function parseTopic(topic: string): string[] {
  return parse("topic", topic, (segment) => segmentPattern.test(segment));
}

/**
 * Returns the segments of a filter: a topic, or a pattern with `*` for one segment and a trailing `**` for any depth.
 * @throws LoomError `invalid_argument` that names the rule, when it is none.
 */
export function parseFilter(filter: string): string[] {
  return parse(
    "filter",
    filter,
    (segment, last) => segmentPattern.test(segment) || segment === anySegment || (last && segment === anyDepth),
  );
}

/** Tells whether the segments of a filter match the segments of a topic. */
export function filterMatches(filter: readonly string[], topic: readonly string[]): boolean {
  for (const [index, segment] of filter.entries()) {
    if (segment === anyDepth) return topic.length > index;
    if (index >= topic.length) return false;
    if (segment !== anySegment && segment !== topic[index]) return false;
  }
  return filter.length === topic.length;
}

function parse(field: string, value: string, isSegment: (segment: string, last: boolean) => boolean): string[] {
  const bytes = Buffer.byteLength(value);
  if (bytes > limits.topicBytes) {
    throw invalid(field, value, `has ${bytes} bytes; at most ${limits.topicBytes} are allowed`);
  }
  const segments = value.split(".");
  if (segments.length > limits.topicSegments) {
    throw invalid(field, value, `has ${segments.length} segments; at most ${limits.topicSegments} are allowed`);
  }
  for (const [index, segment] of segments.entries()) {
    if (segment === "") throw invalid(field, value, "is empty or has an empty segment");
    if (!isSegment(segment, index === segments.length - 1)) {
      throw invalid(field, value, `has the segment ${JSON.stringify(segment)}; ${segmentRule[field]}`);
    }
  }
  return segments;
}

const segmentRule: Record<string, string> = {
  topic: "a segment is made of A-Z a-z 0-9 _ : -",
  filter: 'a segment is made of A-Z a-z 0-9 _ : - or is "*", and the last one may be "**"',
};

function invalid(field: string, value: string, problem: string): LoomError {
  const shown = value.length > 80 ? `${value.slice(0, 80)}…` : value;
  return new LoomError("invalid_argument", `${field} ${JSON.stringify(shown)} ${problem}`, { details: { field } });
}
