import { LoomError, type Runtime, systemRuntime } from "@loom-bridge/protocol";
import { Compile, Errors, Meta, type Validator } from "typebox/schema";
import type { CompiledSchema, SchemaCompiler, SchemaProblem } from "../domain/tools/schema-validator.ts";
import { measureSchema } from "./schema-cost.ts";
import { findSchemaProblem } from "./schema-rules.ts";
import { TimeBudgetExceeded, withinBudget } from "./time-budget.ts";

const maxProblems = 3;
const metaSchema = Meta["https://json-schema.org/draft/2020-12/schema"];

/** What compiling a schema, or checking one value, may take. */
const budgetMs = { compile: 250, check: 50 } as const;
/** How long a schema that took too long is not tried again, in times of what it took: it gets a tenth of the process. */
const pauseFactor = 10;
/** Work that takes no more than about a millisecond is done without a watchdog. */
const calmSteps = 200_000;

const tooSlow = "checking against the tool's schema takes too long";

/**
 * Compiles JSON Schema (draft 2020-12) with typebox. References must stay inside the schema. A schema is a stranger's
 * program: its patterns and its alternatives may take longer than anybody lives. So both compiling and checking have a
 * budget of time, and a schema that went beyond is not tried again for a while.
 */
export function createTypeboxCompiler(runtime: Pick<Runtime, "monotonic"> = systemRuntime): SchemaCompiler {
  // The schema of schemas takes some milliseconds to compile, so only a bridge that has tools pays for it.
  let metaValidator: Validator | undefined;
  return {
    compile(schemaText) {
      const schema = parse(schemaText);
      const problem = findSchemaProblem(schema);
      if (problem !== undefined) throw invalid(problem);
      const meta = (metaValidator ??= Compile(Meta, metaSchema));
      const metaProblem = withinBudget(budgetMs.compile, () =>
        meta.Check(schema) ? undefined : describe(metaProblems(schema)),
      );
      if (metaProblem !== undefined) throw invalid(metaProblem);
      return compiled(schema, runtime);
    },
  };
}

/** Compiled when it is first needed: an agent may register many tools at once, and others are to be served meanwhile. */
function compiled(schema: object, runtime: Pick<Runtime, "monotonic">): CompiledSchema {
  const { steps, isOpen } = measureSchema(schema);
  let validator: Validator | undefined;
  let pausedUntil = 0;

  const check = (value: unknown): SchemaProblem[] =>
    validator?.Check(value) === true ? [] : problemsOf(schema, value);

  function checkWatched(value: unknown): readonly SchemaProblem[] {
    if (runtime.monotonic() < pausedUntil) return [{ path: "", message: tooSlow }];
    try {
      validator ??= withinBudget(budgetMs.compile, () => Compile(schema));
      return withinBudget(budgetMs.check, () => check(value));
    } catch (error) {
      if (!(error instanceof TimeBudgetExceeded)) throw error;
      pausedUntil = runtime.monotonic() + pauseFactor * error.budgetMs;
      return [{ path: "", message: tooSlow }];
    }
  }

  return {
    check(value, bytes) {
      try {
        const isCalm = validator !== undefined && !isOpen && steps * bytes < calmSteps;
        return isCalm ? check(value) : checkWatched(value);
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
