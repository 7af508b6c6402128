import assert from "node:assert/strict";
import { test } from "node:test";
import { toStandardJsonSchema } from "@valibot/to-json-schema";
import { type } from "arktype";
import * as v from "valibot";
import * as z from "zod";
import { defineTool } from "./define-tool.ts";

const parameters = (tool: { parametersSchema: string }): unknown => {
  const { type, properties, required } = JSON.parse(tool.parametersSchema) as Record<string, unknown>;
  return { type, properties, required };
};

const expected = { type: "object", properties: { a: { type: "number" } }, required: ["a"] };

test("the JSON Schema comes from zod, arktype and wrapped valibot schemas", () => {
  const common = { name: "t", description: "", run: () => null };
  assert.deepEqual(parameters(defineTool({ ...common, input: z.object({ a: z.number() }) })), expected);
  assert.deepEqual(parameters(defineTool({ ...common, input: type({ a: "number" }) })), expected);
  assert.deepEqual(
    parameters(defineTool({ ...common, input: toStandardJsonSchema(v.object({ a: v.number() })) })),
    expected,
  );
});

test("a schema that gives no JSON Schema needs one beside it, and the error says so", () => {
  const input = v.object({ a: v.number() });
  const common = { name: "t", description: "", input, run: () => null };
  assert.throws(() => defineTool(common), { code: "invalid_argument", message: /toStandardJsonSchema.*inputSchema/ });
  assert.deepEqual(parameters(defineTool({ ...common, inputSchema: expected })), expected);
});

test("a schema with parts that JSON Schema cannot say is refused, and so is one that is too large", () => {
  const common = { name: "t", description: "", run: () => null };
  assert.throws(() => defineTool({ ...common, input: z.object({ f: z.date() }) }), { code: "invalid_argument" });
  const input = z.object({ a: z.string().describe("x".repeat(70_000)) });
  assert.throws(() => defineTool({ ...common, input }), { code: "invalid_argument", message: /65536/ });
});

test("a name that no bridge takes is refused", () => {
  for (const name of ["", "a b", "é", "x".repeat(129)]) {
    const make = (): unknown => defineTool({ name, description: "", input: z.object({}), run: () => null });
    assert.throws(make, { code: "invalid_argument" });
  }
});
