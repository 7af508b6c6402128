/** How far JSON may go, and what its objects may hold. */
export interface JsonRules {
  readonly maxDepth: number;
  /** Objects, arrays, texts, numbers. */
  readonly maxValues: number;
  /** Whose they are: the limits are called so. */
  readonly of: "arguments" | "output";
}

/** What is wrong with JSON, and the limit that it breaks, if it is one. */
export interface JsonHarm {
  readonly problem: string;
  readonly limit?: { readonly name: string; readonly value: number };
}

/**
 * Looks for what could harm a reader of a parsed JSON text: depth, number, keys that name a prototype. It walks level by
 * level instead of calling itself, so that deep input costs no stack. `onObject` sees every object.
 * @returns what is wrong, or how many keys all objects have together
 */
export function inspectJson(
  root: unknown,
  { maxDepth, maxValues, of }: JsonRules,
  onObject?: (object: object) => void,
): JsonHarm | number {
  let level = isContainer(root) ? [root] : [];
  let values = 1;
  let keys = 0;
  for (let depth = 1; level.length > 0; depth += 1) {
    if (depth > maxDepth) {
      const limit = { name: `${of}Depth`, value: maxDepth };
      return { problem: `they nest deeper than ${maxDepth} levels; make them flatter`, limit };
    }
    const next: object[] = [];
    for (const node of level) {
      const children: unknown[] = Object.values(node);
      if (!Array.isArray(node)) {
        if (Object.hasOwn(node, "__proto__")) return { problem: 'they have the key "__proto__", which is not allowed' };
        if (leadsToPrototype(node)) {
          return { problem: 'they have the key "prototype" within "constructor", which is not allowed' };
        }
        keys += children.length;
        onObject?.(node);
      }
      for (const child of children) if (isContainer(child)) next.push(child);
      values += children.length;
      if (values > maxValues) {
        const limit = { name: `${of}Values`, value: maxValues };
        return { problem: `they have more than ${maxValues} values; send fewer`, limit };
      }
    }
    level = next;
  }
  return keys;
}

/** Whether some object of a JSON text has a key twice: which of the two counts, each reader says for itself. */
export function hasRepeatedKey(text: string, keys: number): boolean {
  return countColons(text) > keys;
}

/** A colon outside of texts stands behind a key, and nowhere else. */
function countColons(text: string): number {
  let colons = 0;
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charCodeAt(at);
    if (character === 0x3a) colons += 1;
    else if (character === 0x22) at = endOfText(text, at + 1);
  }
  return colons;
}

function endOfText(text: string, start: number): number {
  let at = text.indexOf('"', start);
  while (at >= 0 && isEscaped(text, at)) at = text.indexOf('"', at + 1);
  return at < 0 ? text.length : at;
}

function isEscaped(text: string, at: number): boolean {
  let slashes = 0;
  while (text[at - 1 - slashes] === "\\") slashes += 1;
  return slashes % 2 === 1;
}

function leadsToPrototype(node: object): boolean {
  if (!Object.hasOwn(node, "constructor")) return false;
  const { constructor: inner } = node as { readonly constructor: unknown };
  return isContainer(inner) && Object.hasOwn(inner, "prototype");
}

function isContainer(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
