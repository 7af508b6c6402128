import assert from "node:assert/strict";
import { test } from "node:test";
import { LoomError } from "@loom-bridge/protocol";
import { parseToolArguments } from "../domain/tools/tool-arguments.ts";
import { createTypeboxCompiler } from "./typebox-compiler.ts";

const compiler = createTypeboxCompiler();
const compile = (schema: unknown) => compiler.compile(typeof schema === "string" ? schema : JSON.stringify(schema));
const check = (schema: unknown, value: unknown) =>
  compile(schema).check(parseToolArguments(JSON.stringify(value)).value, JSON.stringify(value).length);
const refused = (schema: unknown, problem: RegExp) =>
  assert.throws(
    () => compile(schema),
    (error) => LoomError.isInstance(error) && error.code === "invalid_argument" && problem.test(error.message),
  );

test("a value that fits has no problems", () => {
  const schema = { type: "object", properties: { symbol: { type: "string" } }, required: ["symbol"] };
  assert.deepEqual(check(schema, { symbol: "BTC" }), []);
});

test("a problem names the place and the rule", () => {
  const schema = {
    type: "object",
    properties: { window: { type: "integer", minimum: 1 }, side: { enum: ["BUY", "SELL"] } },
    required: ["window"],
    additionalProperties: false,
  };
  assert.deepEqual(check(schema, { window: 0 }), [{ path: "/window", message: "must be >= 1" }]);
  assert.match(check(schema, {})[0]?.message ?? "", /required properties window/);
  assert.match(check(schema, { window: 1, side: "HOLD" })[0]?.message ?? "", /\["BUY","SELL"\]/);
  assert.deepEqual(
    check(schema, { window: 1, extra: 1 }).map(({ message }) => message),
    ['must not have additional properties: ["extra"]'],
  );
});

test("at most three problems are reported", () => {
  const required = Array.from({ length: 9 }, (_, index) => `p${index}`);
  const properties = Object.fromEntries(required.map((name) => [name, { type: "string" }]));
  const value = Object.fromEntries(required.map((name) => [name, 1]));
  assert.equal(check({ properties }, value).length, 3);
});

test("names that every object inherits are not taken for properties", () => {
  for (const name of ["toString", "constructor", "hasOwnProperty", "valueOf"]) {
    assert.match(check({ required: [name] }, {})[0]?.message ?? "", new RegExp(name));
    assert.deepEqual(check({ properties: { [name]: { type: "string" } } }, {}), []);
    assert.deepEqual(check({ properties: { [name]: { type: "string" } }, required: [name] }, { [name]: "x" }), []);
    assert.equal(check({ additionalProperties: false }, { [name]: 1 }).length, 1);
  }
});

test("a schema is refused when it is no JSON, no object, or no JSON Schema", () => {
  refused("{", /not JSON/);
  refused("[]", /must be a JSON object/);
  refused("true", /must be a JSON object/);
  refused({ type: "objekt" }, /\/type/);
  refused({ properties: { a: { minLength: -1 } } }, /\/properties\/a\/minLength/);
  refused({ properties: { a: { pattern: "(" } } }, /pattern/);
});

test("references stay inside the schema and lead somewhere", () => {
  refused({ $ref: "https://example.com/schema.json" }, /only references inside/);
  refused({ properties: { a: { $ref: "other.json#/x" } } }, /only references inside/);
  refused({ items: { $ref: "#/$defs/missing" } }, /"#\/\$defs\/missing", which is not in the schema/);
  refused({ items: { $ref: "#missing" } }, /not in the schema/);
  refused({ $ref: "#/%" }, /not in the schema/);
  refused({ properties: { a: { $id: "https://example.com/other" } } }, /\$id/);
  const schema = {
    properties: { a: { $ref: "#/$defs/a~1b" }, c: { $ref: "#named" } },
    $defs: { "a/b": { type: "string" }, c: { $anchor: "named", type: "number" } },
  };
  assert.deepEqual(check(schema, { a: "x", c: 1 }), []);
  assert.equal(check(schema, { a: 1, c: "x" }).length, 2);
});

test("data and property names that look like references are none", () => {
  compile({ properties: { $ref: { type: "string" }, $id: { type: "string" }, default: { type: "string" } } });
  compile({ default: { $ref: "https://example.com" }, const: { $id: 1 }, examples: [{ $ref: "x" }] });
  refused({ properties: { default: { $ref: "https://example.com" } } }, /only references inside/);
});

test("a schema that nests deeper than 64 levels is refused", () => {
  const nested = (depth: number) => `${'{"not":'.repeat(depth - 1)}{}${"}".repeat(depth - 1)}`;
  compile(nested(64));
  refused(nested(65), /deeper than 64/);
  refused(nested(9000), /deeper than 64/);
});

test("a recursive schema checks recursive values, and one without end is a problem and no crash", () => {
  const tree = { type: "object", properties: { children: { type: "array", items: { $ref: "#" } } } };
  assert.deepEqual(check(tree, { children: [{ children: [] }] }), []);
  assert.equal(check(tree, { children: [{ children: 1 }] })[0]?.path, "/children/0/children");
  assert.match(check({ $ref: "#" }, {})[0]?.message ?? "", /without end/);
});

test("text in a schema stays text", () => {
  const hostile = '"]; globalThis.hacked = 1; //';
  const schema = {
    properties: { [hostile]: { const: hostile, pattern: "`[$][{]globalThis.hacked = 1" } },
    required: [hostile],
    patternProperties: { "^\u2028`": { format: hostile } },
  };
  check(schema, { [hostile]: "x" });
  assert.equal("hacked" in globalThis, false);
});

const within = (limitMs: number, work: () => void): void => {
  const { user } = process.cpuUsage();
  work();
  const spentMs = (process.cpuUsage().user - user) / 1000;
  assert.ok(spentMs < limitMs, `it took ${spentMs} ms`);
};

const alternatives = [{ items: { $ref: "#/$defs/a" }, type: "array" }];
const frozen: Record<string, [schema: object, value: unknown]> = {
  "a pattern that tries every way": [{ properties: { a: { pattern: "^(a+)+$" } } }, { a: `${"a".repeat(60)}!` }],
  "alternatives that double with each level": [
    { $defs: { a: { anyOf: [...alternatives, ...alternatives] } }, properties: { a: { $ref: "#/$defs/a" } } },
    { a: Array.from({ length: 30 }).reduce((inner) => [inner], 1) },
  ],
};
for (const [name, [schema, value]] of Object.entries(frozen)) {
  test(`${name} is stopped in time, and not tried again at once`, () => {
    let nowMs = 0;
    const timed = createTypeboxCompiler({ monotonic: () => nowMs }).compile(JSON.stringify(schema));
    const text = JSON.stringify(value);
    const problems = () => timed.check(parseToolArguments(text).value, text.length);
    assert.deepEqual(timed.check({}, 2), []);
    within(1000, () => assert.match(problems()[0]?.message ?? "", /too long/));
    within(20, () => assert.match(problems()[0]?.message ?? "", /too long/));
    nowMs = 499;
    assert.match(timed.check({}, 2)[0]?.message ?? "", /too long/);
    nowMs = 500;
    assert.deepEqual(timed.check({}, 2), []);
  });
}

test("a schema of 1000 parts is compiled, whatever they are, and one more is refused", () => {
  const each = <T>(count: number, part: (index: number) => T): T[] => Array.from({ length: count }, (_, i) => part(i));
  const shapes: Record<string, (count: number) => object> = {
    // The map of the properties is a part, and so is the schema.
    properties: (count) => ({
      properties: Object.fromEntries(
        each(count - 2, (index) => [`property-${index}`, { type: "string", minLength: 1 }]),
      ),
    }),
    alternatives: (count) => ({ anyOf: each(count - 2, (index) => ({ minimum: index })) }),
    values: (count) => ({ enum: each(count - 2, (index) => `value-${index}`) }),
  };
  for (const [name, shape] of Object.entries(shapes)) {
    assert.doesNotThrow(() => compile(shape(1000)).check({}, 2), name);
    refused(shape(1001), /1001 parts/);
  }
});
