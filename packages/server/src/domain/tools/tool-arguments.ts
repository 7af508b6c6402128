import { limits } from "@loom-bridge/protocol";

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
  const problem = secure(value);
  return problem === undefined ? { value: value as Record<string, unknown> } : { problem };
}

/**
 * Takes the prototype from every object and refuses what could harm a reader. It walks level by level instead of
 * calling itself, so that deep input costs no stack.
 */
function secure(root: object): string | undefined {
  let level = [root];
  for (let depth = 1; level.length > 0; depth += 1) {
    if (depth > limits.argumentsDepth) return `they nest deeper than ${limits.argumentsDepth} levels`;
    const next: object[] = [];
    for (const node of level) {
      if (!Array.isArray(node)) {
        if (Object.hasOwn(node, "__proto__")) return 'they have the key "__proto__", which is not allowed';
        Object.setPrototypeOf(node, null);
      }
      for (const child of Object.values(node)) {
        if (typeof child === "object" && child !== null) next.push(child);
      }
    }
    level = next;
  }
  return undefined;
}

function shapeOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "an array" : `a ${typeof value}`;
}
