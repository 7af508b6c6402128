import assert from "node:assert/strict";
import { test } from "node:test";
import { parseToolArguments } from "./tool-arguments.ts";

const nested = (depth: number) => `{"a":${"[".repeat(depth - 1)}${"]".repeat(depth - 1)}}`;

test("empty text means no arguments", () => {
  assert.deepEqual(Object.keys(parseToolArguments("").value ?? { wrong: true }), []);
});

test("an object is read, and nothing in it has a prototype", () => {
  const { value } = parseToolArguments('{"a":[{"b":1}]}');
  assert.equal(JSON.stringify(value), '{"a":[{"b":1}]}');
  assert.equal(Object.getPrototypeOf(value), null);
  assert.ok(value);
  const [inner] = value["a"] as object[];
  assert.equal(Object.getPrototypeOf(inner), null);
});

test("text that is no JSON, and JSON that is no object, is refused with the reason", () => {
  assert.match(parseToolArguments("{a:1}").problem ?? "", /not JSON/);
  assert.match(parseToolArguments("[1]").problem ?? "", /must be a JSON object, not an array/);
  assert.match(parseToolArguments("null").problem ?? "", /not null/);
  assert.match(parseToolArguments("3").problem ?? "", /not a number/);
});

test("256 KiB are taken and one byte more is refused", () => {
  const text = (bytes: number) => `{"a":"${"x".repeat(bytes - 8)}"}`;
  assert.ok(parseToolArguments(text(262_144)).value);
  assert.match(parseToolArguments(text(262_145)).problem ?? "", /262145 bytes; at most 262144/);
});

test("64 levels are taken, 65 are refused, and very deep input costs no stack", () => {
  assert.ok(parseToolArguments(nested(64)).value);
  assert.match(parseToolArguments(nested(65)).problem ?? "", /deeper than 64/);
  assert.match(parseToolArguments(nested(130_000)).problem ?? "", /deeper than 64/);
});

test("the key __proto__ is refused at any depth", () => {
  assert.match(parseToolArguments('{"a":[{"__proto__":{"admin":true}}]}').problem ?? "", /__proto__/);
  assert.match(parseToolArguments('{"\\u005f_proto__":1}').problem ?? "", /__proto__/);
});
