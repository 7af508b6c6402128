import { LoomError, limits } from "@loom-bridge/protocol";
import type { StandardJSONSchemaV1, StandardSchemaV1 } from "@standard-schema/spec";

/** The JSON Schema of a tool's arguments, as text: what the author gave, else what the schema says of itself. */
export function parametersSchema(
  tool: string,
  input: StandardSchemaV1,
  given: Readonly<Record<string, unknown>> | undefined,
): string {
  const text = JSON.stringify(given ?? ask(tool, input));
  const bytes = Buffer.byteLength(text);
  if (bytes > limits.schemaBytes) {
    throw invalid(tool, `is ${bytes} bytes of JSON; at most ${limits.schemaBytes} are allowed`);
  }
  return text;
}

function ask(tool: string, input: StandardSchemaV1): Record<string, unknown> {
  const properties: StandardSchemaV1.Props & Partial<StandardJSONSchemaV1.Props> = input["~standard"];
  if (properties.jsonSchema === undefined) {
    const remedy =
      properties.vendor === "valibot"
        ? "wrap it in toStandardJsonSchema() of @valibot/to-json-schema, or pass `inputSchema`"
        : "pass it as `inputSchema`";
    throw invalid(tool, `is unknown: this schema of ${properties.vendor} gives no JSON Schema; ${remedy}`);
  }
  try {
    return properties.jsonSchema.input({ target: "draft-2020-12" });
  } catch (cause) {
    throw invalid(
      tool,
      "cannot be made: the schema has parts that JSON Schema has no words for; pass `inputSchema`",
      cause,
    );
  }
}

function invalid(tool: string, problem: string, cause?: unknown): LoomError {
  return new LoomError("invalid_argument", `the JSON Schema of tool ${JSON.stringify(tool)} ${problem}`, {
    cause,
    details: { field: "input" },
  });
}
