import { limits } from "@loom-bridge/protocol";
import { findJsonHarm, hasRepeatedKey, type JsonRules } from "./check-json.ts";

const argumentRules: JsonRules = { maxDepth: limits.argumentsDepth, maxValues: 10_000 };

/** The arguments of a call: a JSON object whose objects have no prototype; or what is wrong with the text. */
export type ParsedArguments =
  | { readonly value: Readonly<Record<string, unknown>>; readonly problem?: never }
  | { readonly value?: never; readonly problem: string };

/** Reads the arguments of a tool call. Empty text is `{}`, because agents that need no arguments send none. */
export function parseToolArguments(text: string): ParsedArguments {
  if (text === "") return { value: Object.create(null) as Record<string, unknown> };
  const bytes = Buffer.byteLength(text);
  if (bytes > limits.argumentsBytes) {
    return { problem: `they have ${bytes} bytes; at most ${limits.argumentsBytes} are allowed` };
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { problem: `they are not JSON: ${(error as SyntaxError).message}` };
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return { problem: `they must be a JSON object, not ${shapeOf(value)}` };
  }
  const problem = findJsonHarm(value, argumentRules, (object) => void Object.setPrototypeOf(object, null));
  if (problem !== undefined) return { problem };
  if (hasRepeatedKey(text, value)) return { problem: "they have an object with the same key twice" };
  return { value: value as Record<string, unknown> };
}

function shapeOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "an array" : `a ${typeof value}`;
}
