import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { measureJson } from "./json-shape.ts";

const measure = (text: string) => measureJson(Buffer.from(text));

test("brackets nest, and those in texts do not", () => {
  assert.equal(measure("1").depth, 0);
  assert.equal(measure('{"a":[{}]}').depth, 3);
  assert.equal(measure('{"[[[\\"[":"]{"}').depth, 1);
  assert.equal(measure(`${"[".repeat(200_000)}`).depth, 200_000);
});

test("the depth of any JSON is that of its value", () => {
  const depthOf = (value: unknown): number =>
    typeof value === "object" && value !== null
      ? 1 + Math.max(0, ...Object.values(value).map((child) => depthOf(child)))
      : 0;
  fc.assert(fc.property(fc.json(), (text) => assert.equal(measure(text).depth, depthOf(JSON.parse(text)))));
});

test("values count about as many as there are, at least", () => {
  assert.equal(measure('{"a":1,"b":[1,2,3]}').values, 7);
});
