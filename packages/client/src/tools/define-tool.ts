import { LoomError, limits } from "@loom-bridge/protocol";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { parametersSchema } from "./parameters-schema.ts";
import type { ToolContext } from "./tool-context.ts";

/** What running a tool twice means: nothing, no more than once would, or twice the effect. */
export type ToolEffect = "read" | "idempotent" | "once";

interface ToolOptions<Input extends StandardSchemaV1> {
  /** 1 to 128 bytes of `A-Z a-z 0-9 _ . : / -`, for example "web:search". */
  name: string;
  /** What it does, for people and language models. */
  description: string;
  /** The arguments: a schema of zod, valibot, arktype or any library of https://standardschema.dev. */
  input: Input;
  /** JSON Schema (2020-12) of the arguments, where `input` cannot give one. */
  inputSchema?: Readonly<Record<string, unknown>>;
  /**
   * What running it twice means: `read` changes nothing, `idempotent` does no more than once when the idempotency key is
   * the same, `once` must never be repeated. Default: `once`. It decides what bridge and client repeat by themselves
   * when they cannot know whether it ran.
   */
  effect?: ToolEffect;
  /** The longest a run may take, in milliseconds. Default: as long as the caller waits. */
  timeoutMs?: number;
  metadata?: Readonly<Record<string, string>>;
}

/** A function that others may call, with JSON arguments and a JSON result. */
export interface Tool<Args = unknown, Result = unknown> {
  readonly name: string;
  readonly description: string;
  /** JSON Schema of the arguments, as JSON text. */
  readonly parametersSchema: string;
  readonly effect: ToolEffect;
  readonly timeoutMs: number | undefined;
  readonly metadata: Readonly<Record<string, string>>;
  readonly input: StandardSchemaV1;
  readonly output: StandardSchemaV1 | undefined;
  /** Runs it with arguments that `input` has accepted. */
  readonly run: (args: unknown, context: ToolContext) => unknown;
  /** The types of its arguments and result; there is no such value. */
  readonly "~types"?: { readonly args: Args; readonly result: Result };
}

/**
 * Makes a tool of a function. Arguments are checked before it runs; what it returns is checked too when `output` is
 * given. What it throws becomes the caller's error, with the message of what was thrown.
 * @throws LoomError `invalid_argument` for a bad name, or a schema that cannot be told to others.
 */
export function defineTool<Input extends StandardSchemaV1, Output extends StandardSchemaV1>(
  options: ToolOptions<Input> & {
    output: Output;
    run(
      args: StandardSchemaV1.InferOutput<Input>,
      context: ToolContext,
    ): StandardSchemaV1.InferInput<Output> | Promise<StandardSchemaV1.InferInput<Output>>;
  },
): Tool<StandardSchemaV1.InferInput<Input>, StandardSchemaV1.InferOutput<Output>>;
export function defineTool<Input extends StandardSchemaV1, Result>(
  options: ToolOptions<Input> & {
    output?: undefined;
    run(args: StandardSchemaV1.InferOutput<Input>, context: ToolContext): Result | Promise<Result>;
  },
): Tool<StandardSchemaV1.InferInput<Input>, Result>;
export function defineTool(
  options: ToolOptions<StandardSchemaV1> & {
    output?: StandardSchemaV1 | undefined;
    run(args: unknown, context: ToolContext): unknown;
  },
): Tool {
  const { name, description, input, output, timeoutMs, effect = "once", metadata = {} } = options;
  if (!/^[A-Za-z0-9_.:/-]+$/.test(name) || name.length > limits.idBytes) {
    const message = `tool name ${JSON.stringify(name)} is not 1 to ${limits.idBytes} of A-Z a-z 0-9 _ . : / -`;
    throw new LoomError("invalid_argument", message, { details: { field: "name" } });
  }
  return {
    name,
    description,
    parametersSchema: parametersSchema(name, input, options.inputSchema),
    effect,
    timeoutMs,
    metadata,
    input,
    output,
    run: (args, context) => options.run(args, context),
  };
}
