import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
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
  assert.match(parseToolArguments("{a:1}").harm?.problem ?? "", /not JSON/);
  assert.match(parseToolArguments("[1]").harm?.problem ?? "", /must be a JSON object, not an array/);
  assert.match(parseToolArguments("null").harm?.problem ?? "", /not null/);
  assert.match(parseToolArguments("3").harm?.problem ?? "", /not a number/);
});

test("256 KiB are taken and one byte more is refused", () => {
  const text = (bytes: number) => `{"a":"${"x".repeat(bytes - 8)}"}`;
  assert.ok(parseToolArguments(text(262_144)).value);
  assert.match(parseToolArguments(text(262_145)).harm?.problem ?? "", /262145 bytes; at most 262144/);
});

test("64 levels are taken, 65 are refused, and very deep input costs no stack", () => {
  assert.ok(parseToolArguments(nested(64)).value);
  assert.match(parseToolArguments(nested(65)).harm?.problem ?? "", /deeper than 64/);
  assert.match(parseToolArguments(nested(130_000)).harm?.problem ?? "", /deeper than 64/);
});

test("the key __proto__ is refused at any depth", () => {
  assert.match(parseToolArguments('{"a":[{"__proto__":{"admin":true}}]}').harm?.problem ?? "", /__proto__/);
  assert.match(parseToolArguments('{"\\u005f_proto__":1}').harm?.problem ?? "", /__proto__/);
});

test("the key prototype within constructor is refused, and constructor alone is a key like others", () => {
  assert.match(parseToolArguments('{"a":{"constructor":{"prototype":{}}}}').harm?.problem ?? "", /prototype/);
  assert.ok(parseToolArguments('{"constructor":"Renzo Piano","prototype":"x"}').value);
});

test("10,000 values are taken, and one more is refused", () => {
  // The object and its array are two of them.
  const text = (values: number) => `{"a":[${Array.from({ length: values - 2 }, () => 0).join(",")}]}`;
  assert.ok(parseToolArguments(text(10_000)).value);
  assert.match(parseToolArguments(text(10_001)).harm?.problem ?? "", /more than 10000 values/);
});

test("a key that stands twice in an object is refused, however it is written", () => {
  for (const text of ['{"a":1,"a":2}', '{"b":[{"a":1,"\\u0061":2}]}', '{"a":{},"c":{"a":1,"b":2,"a":3}}']) {
    assert.match(parseToolArguments(text).harm?.problem ?? "", /same key twice/, text);
  }
});

test("any other JSON object has no key twice", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string({ unit: "binary" }), fc.jsonValue()), (object) => {
      assert.doesNotMatch(parseToolArguments(JSON.stringify(object)).harm?.problem ?? "", /twice/);
      assert.doesNotMatch(parseToolArguments(JSON.stringify(object, undefined, 2)).harm?.problem ?? "", /twice/);
    }),
  );
});
