import { anyDepth, anySegment, filterMatches } from "@loom-bridge/protocol";
import type { Filters, ReadFrom } from "../../domain/log/event-log.ts";
import type { RetentionIndex } from "./retention-index.ts";
import type { Entry, TopicLine } from "./topic-line.ts";

export interface SelectedPage<Kept> {
  readonly entries: readonly Kept[];
  readonly through: number;
  readonly atEnd: boolean;
  readonly lost: boolean;
}

/** Up to so many topics it is quicker to merge their events than to look at everybody's. */
const mergedTopics = 64;

/** Finds a page of events in an index. */
export function selectPage<Kept extends Entry>(
  index: RetentionIndex<Kept>,
  filters: Filters,
  from: ReadFrom,
  max: { readonly events: number; readonly bytes: number; readonly bytesOf: (entry: Kept) => number },
): SelectedPage<Kept> {
  index.prune();
  const lines = matchingLines(index, filters);
  const { afterOffset, sinceMs = Number.NEGATIVE_INFINITY, lastUpTo } = from;
  const found =
    lastUpTo !== undefined
      ? lastEntries(lines, afterOffset, lastUpTo)
      : lines.length <= mergedTopics
        ? mergedEntries(lines, afterOffset, sinceMs, max.events + 1)
        : scannedEntries(index, new Set(lines), afterOffset, sinceMs, max.events + 1);
  const entries: Kept[] = [];
  let bytes = 0;
  for (const entry of found) {
    bytes += max.bytesOf(entry);
    if (entries.length === max.events || (entries.length > 0 && bytes > max.bytes)) break;
    entries.push(entry);
  }
  const atEnd = entries.length === found.length;
  const end = lastUpTo ?? index.last;
  const isGone = ({ through, ms }: { through: number; ms: number }): boolean => through > afterOffset && ms >= sinceMs;
  const lost =
    lastUpTo === undefined &&
    (lines.some(({ prunedThrough, prunedMs }) => isGone({ through: prunedThrough, ms: prunedMs })) ||
      isGone(index.gone));
  return { entries, through: atEnd ? Math.max(end, afterOffset) : (entries.at(-1)?.offset ?? 0), atEnd, lost };
}

function matchingLines<Kept extends Entry>(index: RetentionIndex<Kept>, filters: Filters): TopicLine<Kept>[] {
  const isExact = filters.every((filter) => !filter.includes(anySegment) && filter.at(-1) !== anyDepth);
  if (isExact) {
    const topics = new Set(filters.map((filter) => filter.join(".")));
    return [...topics].flatMap((topic) => index.lines.get(topic) ?? []);
  }
  return [...index.lines.values()].filter(({ segments }) => filters.some((filter) => filterMatches(filter, segments)));
}

function mergedEntries<Kept extends Entry>(
  lines: readonly TopicLine<Kept>[],
  afterOffset: number,
  sinceMs: number,
  maxEntries: number,
): Kept[] {
  const entries: Kept[] = [];
  for (const line of lines) {
    const start = line.entries.indexAfter(afterOffset);
    for (let place = start, taken = 0; taken < maxEntries; place += 1) {
      const entry = line.entries.at(place);
      if (entry === undefined) break;
      if (taken === 0 && entry.publishedMs < sinceMs) continue;
      entries.push(entry);
      taken += 1;
    }
  }
  return entries.sort(byOffset).slice(0, maxEntries);
}

function scannedEntries<Kept extends Entry>(
  index: RetentionIndex<Kept>,
  lines: ReadonlySet<TopicLine<Kept>>,
  afterOffset: number,
  sinceMs: number,
  maxEntries: number,
): Kept[] {
  const entries: Kept[] = [];
  for (let place = index.order.indexAfter(afterOffset); entries.length < maxEntries; place += 1) {
    const entry = index.order.at(place);
    if (entry === undefined) break;
    if (entries.length === 0 && entry.publishedMs < sinceMs) continue;
    const line = index.lines.get(entry.topic);
    if (line !== undefined && lines.has(line) && entry.offset > line.prunedThrough) entries.push(entry);
  }
  return entries;
}

function lastEntries<Kept extends Entry>(lines: readonly TopicLine<Kept>[], afterOffset: number, upTo: number): Kept[] {
  return lines
    .flatMap(({ entries }) => entries.last ?? [])
    .filter(({ offset }) => offset > afterOffset && offset <= upTo)
    .sort(byOffset);
}

function byOffset(one: Entry, other: Entry): number {
  return one.offset - other.offset;
}
