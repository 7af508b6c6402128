import { z } from "zod";
import type { Setting } from "./config-schema.ts";

/** What a setting takes, in words: for error messages and the documentation. */
export function allowedValues({ schema, placeholder, isPath }: Setting): string {
  const { type, enum: choices, minimum, maximum, items } = jsonSchema(schema);
  if (choices !== undefined) return choices.join(", ").replace(/, ([^,]*)$/, " or $1");
  if (type === "integer") return `a whole number from ${minimum} to ${maximum}`;
  if (type === "boolean") return "true or false";
  if (type === "array" && items?.enum !== undefined)
    return `a list of ${items.enum.join(", ")}, with commas between them`;
  if (type === "array") return `a list of ${placeholder}; as a flag or variable, with commas between them`;
  return isPath ? `the path of a ${placeholder}` : placeholder === "host:port" ? "host:port" : "text";
}

/** The setting's default, as it is written. Nothing when it has none. */
export function defaultText({ schema }: Setting): string | undefined {
  return valueText(jsonSchema(schema).default);
}

/** A value as it is written on the command line. Nothing when it is not set or empty. */
export function valueText(value: unknown): string | undefined {
  if (Array.isArray(value)) return value.join(",") || undefined;
  return value === undefined || typeof value === "string" ? value : JSON.stringify(value);
}

/** Reads what the environment or the command line says. Text that does not fit is left for the schema to refuse. */
export function fromText({ schema }: Setting, text: string): unknown {
  const { type } = jsonSchema(schema);
  if (type === "integer") return /^-?[0-9]+$/.test(text) ? Number(text) : text;
  if (type === "boolean") return text === "true" ? true : text === "false" ? false : text;
  // "none" is how people write an empty list of kinds.
  if (type === "array") return text === "" || text === "none" ? [] : text.split(",").map((part) => part.trim());
  return text;
}

interface JsonSchema {
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly items?: { readonly enum?: readonly string[] };
  readonly default?: unknown;
}

function jsonSchema(schema: z.ZodType): JsonSchema {
  return z.toJSONSchema(schema, { io: "input" }) as JsonSchema;
}
