import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { agentSegment } from "./agent-segment.ts";
import { parseTopic } from "./topic.ts";

test("a plain name is its own segment", () => {
  assert.equal(agentSegment("planner-1_b"), "planner-1_b");
});

test("every other character is written as its bytes, the escape itself too", () => {
  assert.equal(agentSegment("a.b:c*é"), "a:2eb:3ac:2a:c3:a9");
});

test("two names never share a segment, and every name is one", () => {
  const name = fc.string({
    minLength: 1,
    maxLength: 20,
    unit: fc.constantFrom("a", ".", ":", "2", "e", "*", "@", "é"),
  });
  fc.assert(
    fc.property(name, name, (one, other) => {
      assert.deepEqual(parseTopic(`x.${agentSegment(one)}`).length, 2);
      assert.equal(agentSegment(one) === agentSegment(other), one === other);
    }),
  );
});
