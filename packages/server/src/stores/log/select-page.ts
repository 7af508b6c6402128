import { anyDepth, anySegment, filterMatches } from "@loom-bridge/protocol";
import type { Filters, ReadFrom } from "../../domain/log/event-log.ts";
import type { RetentionIndex } from "./retention-index.ts";
import type { TopicLine } from "./topic-line.ts";

/** An event in its topic's line. */
export interface Found<Contents> {
  readonly line: TopicLine<Contents>;
  /** Its place among the line's events. */
  readonly index: number;
  readonly offset: number;
}

export interface SelectedPage<Contents> {
  readonly found: readonly Found<Contents>[];
  readonly through: number;
  readonly atEnd: boolean;
  readonly lost: boolean;
}

/** Up to so many topics it is quicker to merge their events than to look at everybody's. */
const mergedTopics = 64;

/** Finds a page of events in an index. */
export function selectPage<Contents>(
  index: RetentionIndex<Contents>,
  filters: Filters,
  from: ReadFrom,
  max: { readonly events: number; readonly bytes: number },
): SelectedPage<Contents> {
  index.prune();
  const lines = matchingLines(index, filters);
  const { afterOffset, sinceMs = Number.NEGATIVE_INFINITY, lastUpTo } = from;
  const candidates =
    lastUpTo !== undefined
      ? lastEntries(lines, afterOffset, lastUpTo)
      : lines.length <= mergedTopics
        ? mergedEntries(lines, afterOffset, sinceMs, max.events + 1)
        : scannedEntries(index, new Set(lines), afterOffset, sinceMs, max.events + 1);
  const found: Found<Contents>[] = [];
  let bytes = 0;
  for (const candidate of candidates) {
    bytes += candidate.line.entries.bytesAt(candidate.index);
    if (found.length === max.events || (found.length > 0 && bytes > max.bytes)) break;
    found.push(candidate);
  }
  const atEnd = found.length === candidates.length;
  const end = lastUpTo ?? index.last;
  const isGone = ({ through, ms }: { through: number; ms: number }): boolean => through > afterOffset && ms >= sinceMs;
  const lost =
    lastUpTo === undefined &&
    (lines.some(({ prunedThrough, prunedMs }) => isGone({ through: prunedThrough, ms: prunedMs })) ||
      isGone(index.gone));
  return { found, through: atEnd ? Math.max(end, afterOffset) : (found.at(-1)?.offset ?? 0), atEnd, lost };
}

function matchingLines<Contents>(index: RetentionIndex<Contents>, filters: Filters): TopicLine<Contents>[] {
  const isExact = filters.every((filter) => !filter.includes(anySegment) && filter.at(-1) !== anyDepth);
  if (isExact) {
    const topics = new Set(filters.map((filter) => filter.join(".")));
    return [...topics].flatMap((topic) => index.lines.get(topic) ?? []);
  }
  return [...index.lines.values()].filter(({ segments }) => filters.some((filter) => filterMatches(filter, segments)));
}

function mergedEntries<Contents>(
  lines: readonly TopicLine<Contents>[],
  afterOffset: number,
  sinceMs: number,
  maxEntries: number,
): Found<Contents>[] {
  const found: Found<Contents>[] = [];
  for (const line of lines) {
    const { entries } = line;
    for (let index = entries.indexAfter(afterOffset), taken = 0; index < entries.length; index += 1) {
      if (taken === maxEntries) break;
      if (taken === 0 && entries.publishedMsAt(index) < sinceMs) continue;
      found.push({ line, index, offset: entries.offsetAt(index) });
      taken += 1;
    }
  }
  return found.sort(byOffset).slice(0, maxEntries);
}

function scannedEntries<Contents>(
  index: RetentionIndex<Contents>,
  lines: ReadonlySet<TopicLine<Contents>>,
  afterOffset: number,
  sinceMs: number,
  maxEntries: number,
): Found<Contents>[] {
  const found: Found<Contents>[] = [];
  index.scan(afterOffset, (line, offset) => {
    const place = line.entries.indexAfter(offset - 1);
    if (found.length === 0 && line.entries.publishedMsAt(place) < sinceMs) return true;
    if (lines.has(line)) found.push({ line, index: place, offset });
    return found.length < maxEntries;
  });
  return found;
}

function lastEntries<Contents>(
  lines: readonly TopicLine<Contents>[],
  afterOffset: number,
  upTo: number,
): Found<Contents>[] {
  return lines
    .filter(({ entries }) => entries.length > 0)
    .map((line) => {
      const index = line.entries.length - 1;
      return { line, index, offset: line.entries.offsetAt(index) };
    })
    .filter(({ offset }) => offset > afterOffset && offset <= upTo)
    .sort(byOffset);
}

function byOffset(one: Found<unknown>, other: Found<unknown>): number {
  return one.offset - other.offset;
}
