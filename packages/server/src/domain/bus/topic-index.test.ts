import assert from "node:assert/strict";
import { test } from "node:test";
import { filterMatches, parseFilter, parseTopic } from "@loom-bridge/protocol";
import fc from "fast-check";
import { TopicIndex } from "./topic-index.ts";

const segment = fc.constantFrom("a", "b", "c");
/** Topics of the bridge's own are matched by no pattern in their first place. */
const own = fc.constantFrom("", "", "$sys.");
const topics = fc
  .tuple(own, fc.array(segment, { minLength: 1, maxLength: 4 }))
  .map(([prefix, parts]) => prefix + parts.join("."));
const filters = fc
  .tuple(own, fc.array(fc.oneof(segment, fc.constant("*")), { maxLength: 4 }), fc.boolean())
  .filter(([, parts, deep]) => parts.length > 0 || deep)
  .map(([prefix, parts, deep]) => prefix + (deep ? [...parts, "**"] : parts).join("."));

function matches(index: TopicIndex<string>, topic: string): string[] {
  const found: string[] = [];
  index.match(parseTopic(topic), (value) => found.push(value));
  return found.sort();
}

test("the index finds what a scan of all filters finds, also after some were removed", () => {
  fc.assert(
    fc.property(fc.uniqueArray(filters), fc.uniqueArray(filters), topics, (kept, removed, topic) => {
      const index = new TopicIndex<string>();
      for (const filter of [...kept, ...removed]) index.add(parseFilter(filter), filter);
      for (const filter of removed) index.remove(parseFilter(filter), filter);
      const expected = kept.filter((filter) => !removed.includes(filter));
      assert.deepEqual(
        matches(index, topic),
        expected.filter((filter) => filterMatches(parseFilter(filter), parseTopic(topic))).sort(),
      );
    }),
  );
});

test("an index whose filters were all removed keeps nothing", () => {
  fc.assert(
    fc.property(fc.uniqueArray(filters), (all) => {
      const index = new TopicIndex<string>();
      for (const filter of all) index.add(parseFilter(filter), filter);
      for (const filter of all) index.remove(parseFilter(filter), filter);
      assert.ok(index.isEmpty);
    }),
  );
});

test("removing a filter that was never added changes nothing", () => {
  const index = new TopicIndex<string>();
  index.add(parseFilter("a.b"), "kept");
  index.remove(parseFilter("a.c"), "kept");
  index.remove(parseFilter("a.b"), "other");
  assert.deepEqual(matches(index, "a.b"), ["kept"]);
});
