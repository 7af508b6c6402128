import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { LoomError } from "./loom-error.ts";
import { deadLetterTopic, filterMatches, isBridgeTopic, parseFilter, parseTopic } from "./topic.ts";

describe("parseTopic", () => {
  it("returns the segments", () => {
    assert.deepEqual(parseTopic("market.price.BTC"), ["market", "price", "BTC"]);
    assert.deepEqual(parseTopic("a"), ["a"]);
    assert.deepEqual(parseTopic("tool:web-search.v_1"), ["tool:web-search", "v_1"]);
  });

  it("takes a topic at the limits", () => {
    assert.equal(parseTopic("a".repeat(256)).length, 1);
    assert.equal(parseTopic(Array(16).fill("a").join(".")).length, 16);
  });

  const refused: [topic: string, message: RegExp, facts?: object][] = [
    ["", /topic "" is empty/],
    [".a", /empty segment/],
    ["a.", /empty segment/],
    ["a..b", /empty segment/],
    ["a.*", /topic "a\.\*" has the segment "\*"; a segment is made of/],
    ["a.**", /the segment "\*\*"/],
    ["a b", /the segment "a b"/],
    ["prix.café", /the segment "café"/],
    ["a\n", /the segment "a\\n"/],
    ["a".repeat(257), /has 257 bytes; at most 256 are allowed/, { limit: "topicBytes", value: "256" }],
    ["é".repeat(129), /has 258 bytes/, { limit: "topicBytes", value: "256" }],
    [Array(17).fill("a").join("."), /has 17 segments; at most 16/, { limit: "topicSegments", value: "16" }],
  ];
  for (const [topic, message, facts] of refused) {
    it(`refuses ${JSON.stringify(topic.slice(0, 20))} and says ${message.source}`, () => {
      assert.throws(() => parseTopic(topic), {
        code: "invalid_argument",
        message,
        details: { field: "topic", ...facts },
      });
    });
  }

  it("takes the bridge's own topics, a dead letter's with room for the topic it is of", () => {
    assert.deepEqual(parseTopic("$sys.agents.a"), ["$sys", "agents", "a"]);
    const longest = `${"a.".repeat(15)}${"b".repeat(226)}`;
    assert.equal(parseTopic(deadLetterTopic(longest)).length, 17);
    assert.throws(() => parseTopic(`$dlq.${longest}b`), /has 262 bytes; at most 261 are allowed/);
    assert.throws(() => parseTopic(`$sys.${longest.slice(0, -6)}`), /has 17 segments; at most 16/);
    assert.deepEqual([isBridgeTopic("$sys.a"), isBridgeTopic("sys.a")], [true, false]);
  });

  it("takes no other topic with a dollar sign", () => {
    for (const topic of ["$sys", "$dlq", "$dlq.", "$other.a", "a.$sys", "$sys.$sys.a", "$dlq.$dlq.a"]) {
      assert.throws(() => parseTopic(topic), { code: "invalid_argument" }, topic);
    }
  });

  it("shows no more than the start of a long topic", () => {
    assert.throws(
      () => parseTopic("a".repeat(100_000)),
      (error) => LoomError.isInstance(error) && error.message.length < 200,
    );
  });
});

describe("parseFilter", () => {
  for (const filter of ["a", "*", "**", "a.*", "*.a", "a.*.b", "a.**", "*.**"]) {
    it(`takes ${filter}`, () => {
      assert.deepEqual(parseFilter(filter), filter.split("."));
    });
  }

  const refused: [filter: string, message: RegExp][] = [
    ["**.a", /filter "\*\*\.a" has the segment "\*\*"; .*the last one may be "\*\*"/],
    ["a.**.b", /the segment "\*\*"/],
    ["a*", /the segment "a\*"/],
    ["a.***", /the segment "\*\*\*"/],
    ["a.>", /the segment ">"/],
    ["", /is empty/],
  ];
  for (const [filter, message] of refused) {
    it(`refuses ${JSON.stringify(filter)} and says ${message.source}`, () => {
      assert.throws(() => parseFilter(filter), { code: "invalid_argument", message, details: { field: "filter" } });
    });
  }
});

describe("filterMatches", () => {
  const rows: [filter: string, topic: string, matches: boolean][] = [
    ["a.b", "a.b", true],
    ["a.b", "a", false],
    ["a.b", "a.b.c", false],
    ["a.b", "A.b", false],
    ["*", "a", true],
    ["*", "a.b", false],
    ["a.*", "a", false],
    ["a.*", "a.b", true],
    ["a.*", "a.b.c", false],
    ["a.*", "ab.c", false],
    ["*.b", "a.b", true],
    ["a.*.c", "a.b.c", true],
    ["a.*.c", "a.b.b", false],
    ["**", "a", true],
    ["**", "a.b.c", true],
    ["a.**", "a", false],
    ["a.**", "a.b", true],
    ["a.**", "a.b.c.d", true],
    ["a.**", "b.c", false],
    ["*.**", "a", false],
    ["*.**", "a.b.c", true],
    ["**", "$sys.a", false],
    ["*.a", "$sys.a", false],
    ["$sys.**", "$sys.a", true],
    ["$dlq.*", "$dlq.a", true],
    ["$dlq.**", "$sys.a", false],
  ];
  for (const [filter, topic, matches] of rows) {
    it(`${filter} ${matches ? "matches" : "does not match"} ${topic}`, () => {
      assert.equal(filterMatches(parseFilter(filter), parseTopic(topic)), matches);
    });
  }

  it("agrees with a regular expression for every filter and topic", () => {
    const segment = fc.constantFrom("a", "b", "c-1");
    const topics = fc.array(segment, { minLength: 1, maxLength: 5 });
    const filters = fc
      .tuple(fc.array(fc.oneof(segment, fc.constant("*")), { maxLength: 5 }), fc.boolean())
      .map(([segments, deep]) => (deep || segments.length === 0 ? [...segments, "**"] : segments));
    // A failure prints the seed and the path that repeat it.
    fc.assert(
      fc.property(filters, topics, (filter, topic) => {
        assert.equal(filterMatches(filter, topic), reference(filter).test(topic.join(".")));
      }),
      { numRuns: 2000 },
    );
  });
});

function reference(filter: readonly string[]): RegExp {
  const one = "[^.]+";
  const parts = filter.map((segment) => (segment === "**" ? `${one}(?:\\.${one})*` : segment === "*" ? one : segment));
  return new RegExp(`^${parts.join("\\.")}$`);
}
