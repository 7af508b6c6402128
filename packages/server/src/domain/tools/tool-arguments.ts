import { limits } from "@loom-bridge/protocol";
import { hasRepeatedKey, inspectJson, type JsonHarm, type JsonRules } from "./check-json.ts";

const argumentRules: JsonRules = { maxDepth: limits.argumentsDepth, maxValues: 10_000, of: "arguments" };

/** The arguments of a call, a JSON object; or what is wrong with the text. */
export type ParsedArguments =
  | { readonly value: Readonly<Record<string, unknown>>; readonly harm?: never }
  | { readonly value?: never; readonly harm: JsonHarm };

/**
 * Reads the arguments of a tool call. Empty text is `{}`, because agents that need no arguments send none. Where they are
 * `forSchema`, none of their objects has a prototype.
 */
export function parseToolArguments(
  text: string,
  maxBytes: number = limits.argumentsBytes,
  forSchema: boolean = true,
): ParsedArguments {
  if (text === "") return { value: Object.create(null) as Record<string, unknown> };
  const bytes = Buffer.byteLength(text);
  if (bytes > maxBytes) {
    const problem = `they have ${bytes} bytes; at most ${maxBytes} are allowed; send less, or a reference`;
    return { harm: { problem, limit: { name: "argumentsBytes", value: maxBytes } } };
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return harmful(`they are not JSON: ${(error as SyntaxError).message}`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return harmful(`they must be a JSON object, not ${shapeOf(value)}`);
  }
  const found = inspectJson(value, argumentRules, forSchema ? withoutPrototype : undefined);
  if (typeof found !== "number") return { harm: found };
  if (hasRepeatedKey(text, found)) return harmful("they have an object with the same key twice");
  return { value: value as Record<string, unknown> };
}

function withoutPrototype(object: object): void {
  Object.setPrototypeOf(object, null);
}

function harmful(problem: string): ParsedArguments {
  return { harm: { problem } };
}

function shapeOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "an array" : `a ${typeof value}`;
}
