import assert from "node:assert/strict";
import { test } from "node:test";
import { filterMatches } from "@loom-bridge/protocol";
import fc from "fast-check";
import { filterCovers, filtersOverlap } from "./filter-relations.ts";

const segment = fc.constantFrom("a", "b", "*");
/** Filters of up to three segments over a small alphabet, with roots of the bridge's own among them. */
const filter: fc.Arbitrary<string[]> = fc
  .tuple(fc.constantFrom("a", "b", "*", "$sys"), fc.array(segment, { maxLength: 2 }), fc.constantFrom("", "**"))
  .map(([root, others, depth]) => [root, ...others, ...(depth === "" ? [] : [depth])])
  .filter((segments) => segments[0] !== "$sys" || segments.length > 1);
const anything = fc.oneof(filter, fc.constant(["**"]));

/** Every topic of up to five segments over the same alphabet: enough to tell any two such filters apart. */
function allTopics(): string[][] {
  const roots = ["a", "b", "c", "$sys", "$dlq"].map((root) => [root]);
  const topics = [...roots];
  let longest = roots;
  for (let depth = 2; depth <= 5; depth += 1) {
    longest = longest.flatMap((topic) => ["a", "b", "c"].map((each) => [...topic, each]));
    topics.push(...longest);
  }
  return topics.filter(([root, ...others]) => !root?.startsWith("$") || others.length > 0);
}

const topics = allTopics();

test("a filter covers another exactly when it matches every topic that the other does", () => {
  fc.assert(
    fc.property(anything, anything, (wide, narrow) => {
      const expected = topics.every((topic) => !filterMatches(narrow, topic) || filterMatches(wide, topic));
      assert.equal(filterCovers(wide, narrow), expected, `${wide.join(".")} covers ${narrow.join(".")}`);
    }),
    { numRuns: 500 },
  );
});

test("two filters overlap exactly when some topic is matched by both", () => {
  fc.assert(
    fc.property(anything, anything, (one, other) => {
      const expected = topics.some((topic) => filterMatches(one, topic) && filterMatches(other, topic));
      assert.equal(filtersOverlap(one, other), expected, `${one.join(".")} overlaps ${other.join(".")}`);
    }),
    { numRuns: 500 },
  );
});
