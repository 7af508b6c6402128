import { agentSegment, anySegment, filterMatches } from "@loom-bridge/protocol";
import { filterCovers, filtersOverlap } from "./filter-relations.ts";

/** Who asks, as patterns name it. Undefined: not known. */
export interface Names {
  readonly subject: string;
  readonly tenant: string;
  readonly agent: string | undefined;
}

/** What stands in the pattern of a rule, for one who asks. */
export interface Pattern {
  matches(resource: string): boolean;
  /** For topics: whether it matches every topic that a filter matches. */
  covers(filter: readonly string[]): boolean;
  /** For topics: whether it matches some topic that a filter matches. */
  overlaps(filter: readonly string[]): boolean;
}

const template = /\{\{(subject|agent|tenant)\}\}/;

/**
 * Fills the names into a pattern over topics. A name is one segment, whatever it holds. Where it is not known, an allow
 * matches nothing (so there is no pattern) and a deny matches every segment.
 */
export function createTopicPattern(text: string, names: Names, isDeny: boolean): Pattern | undefined {
  const filter: string[] = [];
  for (const segment of text.split(".")) {
    const filled = fill(segment, names, agentSegment);
    if (filled === undefined && !isDeny) return undefined;
    filter.push(filled?.join("") ?? anySegment);
  }
  return {
    matches: (topic) => filterMatches(filter, topic.split(".")),
    covers: (other) => filterCovers(filter, other),
    overlaps: (other) => filtersOverlap(filter, other),
  };
}

/** Fills the names into a pattern over ids, in which `*` stands for any characters. A name holds no `*`. */
export function createIdPattern(text: string, names: Names, isDeny: boolean): Pattern | undefined {
  const pieces: string[] = [];
  for (const piece of text.split("*")) {
    const filled = fill(piece, names, (name) => name);
    if (filled === undefined && !isDeny) return undefined;
    if (filled === undefined) pieces.push("", "");
    else pieces.push(filled.join(""));
  }
  return { matches: (id) => matchesPieces(id, pieces), covers: () => false, overlaps: () => false };
}

function fill(text: string, names: Names, encode: (name: string) => string): string[] | undefined {
  const parts = text.split(template);
  for (const [place, part] of parts.entries()) {
    if (place % 2 === 0) continue;
    const name = names[part as keyof Names];
    if (name === undefined || name === "") return undefined;
    parts[place] = encode(name);
  }
  return parts;
}

/** Whether a text is these pieces with anything between them. */
function matchesPieces(text: string, pieces: readonly string[]): boolean {
  const [first = "", ...others] = pieces;
  if (others.length === 0) return text === first;
  const last = others.pop() ?? "";
  if (!text.startsWith(first)) return false;
  let at = first.length;
  for (const piece of others) {
    const found = text.indexOf(piece, at);
    if (found < 0) return false;
    at = found + piece.length;
  }
  return text.length - last.length >= at && text.endsWith(last);
}
