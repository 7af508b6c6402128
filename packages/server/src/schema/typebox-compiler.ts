import { LoomError } from "@loom-bridge/protocol";
import { Compile, Errors, Meta, type Validator } from "typebox/schema";
import type { CompiledSchema, SchemaCompiler, SchemaProblem } from "../domain/tools/schema-validator.ts";
import { findSchemaProblem } from "./schema-rules.ts";

const maxProblems = 3;
const metaSchema = Meta["https://json-schema.org/draft/2020-12/schema"];

/** Compiles JSON Schema (draft 2020-12) with typebox. References must stay inside the schema. */
export function createTypeboxCompiler(): SchemaCompiler {
  // The schema of schemas takes some milliseconds to compile, so only a bridge that has tools pays for it.
  let metaValidator: Validator | undefined;
  return {
    compile(schemaText) {
      const schema = parse(schemaText);
      const problem = findSchemaProblem(schema);
      if (problem !== undefined) throw invalid(problem);
      metaValidator ??= Compile(Meta, metaSchema);
      if (!metaValidator.Check(schema)) throw invalid(describe(metaProblems(schema)));
      return compiled(schema);
    },
  };
}

function compiled(schema: object): CompiledSchema {
  let validator: Validator;
  try {
    validator = Compile(schema);
  } catch (error) {
    // Thousands of properties side by side overflow the parser of the generated code; a bad pattern fails here too.
    throw invalid(`it cannot be compiled: ${(error as Error).message}`, error);
  }
  return {
    check(value) {
      try {
        return validator.Check(value) ? [] : problemsOf(schema, value);
      } catch (error) {
        if (error instanceof RangeError) return [{ path: "", message: "the schema refers to itself without end" }];
        throw error;
      }
    },
  };
}

function parse(schemaText: string): object {
  let schema: unknown;
  try {
    schema = JSON.parse(schemaText);
  } catch (error) {
    throw invalid(`it is not JSON: ${(error as SyntaxError).message}`, error);
  }
  if (typeof schema !== "object" || schema === null || Array.isArray(schema)) throw invalid("it must be a JSON object");
  return schema;
}

function problemsOf(schema: object, value: unknown): SchemaProblem[] {
  const [, errors] = Errors(schema, value);
  const problems = errors
    // A property that is not allowed is reported twice; the other report names it.
    .filter((error) => error.keyword !== "boolean" || errors.length === 1)
    .map((error) => ({ path: error.instancePath, message: error.message + namedValues(error.params) }));
  return problems.slice(0, maxProblems);
}

function namedValues(params: object): string {
  if ("additionalProperties" in params) return `: ${shorten(JSON.stringify(params.additionalProperties))}`;
  if ("allowedValues" in params) return `: ${shorten(JSON.stringify(params.allowedValues))}`;
  return "";
}

function metaProblems(schema: object): SchemaProblem[] {
  const [, errors] = Errors(Meta, metaSchema, schema);
  return errors.slice(0, 1).map((error) => ({ path: error.instancePath, message: error.message }));
}

function describe(problems: readonly SchemaProblem[]): string {
  return problems.map(({ path, message }) => `${path || "it"} ${message}`).join("; ");
}

function shorten(text: string): string {
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}

function invalid(problem: string, cause?: unknown): LoomError {
  return new LoomError("invalid_argument", `parameters_schema is no usable JSON Schema (2020-12): ${problem}`, {
    details: { field: "parameters_schema" },
    ...(cause === undefined ? {} : { cause }),
  });
}
