import { measureSchema } from "./schema-cost.ts";

const maxDepth = 64;
/**
 * Schemas within a schema, and values that it lists. The code that is made of more overflows the stack of the parser,
 * after most of a second; the largest schema of a tool that is known has some hundreds.
 */
const maxSteps = 1000;
/** Keywords whose value maps names to schemas. */
const schemaMaps = new Set(["properties", "patternProperties", "$defs", "definitions", "dependentSchemas"]);
/** Keywords whose value is data, which may look like a schema without being one. */
const dataKeywords = new Set(["const", "enum", "default", "examples"]);
const referenceKeywords = ["$ref", "$dynamicRef", "$recursiveRef"];

interface Node {
  readonly value: object;
  readonly isSchema: boolean;
}

/**
 * Returns what keeps a schema from being used here although JSON Schema may allow it: nesting deeper than 64 levels,
 * too many parts, patterns that are none, references that leave the schema or lead nowhere, other schemas embedded under their own `$id`.
 */
export function findSchemaProblem(schema: object): string | undefined {
  const references: string[] = [];
  const anchors = new Set<string>();
  let level: Node[] = [{ value: schema, isSchema: true }];
  for (let depth = 1; level.length > 0; depth += 1) {
    if (depth > maxDepth) return `it nests deeper than ${maxDepth} levels`;
    const next: Node[] = [];
    for (const { value, isSchema } of level) {
      if (isSchema && !Array.isArray(value)) {
        if (value !== schema && "$id" in value) return "it embeds another schema under an $id of its own; use $defs";
        collectNames(value, references, anchors);
        const pattern = findBadPattern(value);
        if (pattern !== undefined) return `its pattern ${JSON.stringify(pattern)} is no regular expression`;
      }
      for (const [key, child] of Object.entries(value)) {
        if (typeof child !== "object" || child === null) continue;
        if (isSchema && dataKeywords.has(key)) continue;
        next.push({ value: child, isSchema: !(isSchema && !Array.isArray(value) && schemaMaps.has(key)) });
      }
    }
    level = next;
  }
  const { steps } = measureSchema(schema);
  if (steps > maxSteps) return `it has ${steps} parts and listed values; at most ${maxSteps} are allowed`;
  for (const reference of references) {
    if (!reference.startsWith("#")) {
      return `it refers to ${JSON.stringify(reference)}; only references inside the schema ("#…") are allowed`;
    }
    if (!leadsSomewhere(schema, reference.slice(1), anchors)) {
      return `it refers to ${JSON.stringify(reference)}, which is not in the schema`;
    }
  }
  return undefined;
}

function collectNames(schema: object, references: string[], anchors: Set<string>): void {
  for (const [key, value] of Object.entries(schema)) {
    if (typeof value !== "string") continue;
    if (referenceKeywords.includes(key)) references.push(value);
    if (key === "$anchor" || key === "$dynamicAnchor") anchors.add(value);
  }
}

function findBadPattern(schema: object): string | undefined {
  const { pattern, patternProperties } = schema as Record<string, unknown>;
  const names = typeof patternProperties === "object" ? Object.keys(patternProperties ?? {}) : [];
  return [...names, ...(typeof pattern === "string" ? [pattern] : [])].find((text) => !isPattern(text));
}

function isPattern(text: string): boolean {
  try {
    new RegExp(text, "u");
    return true;
  } catch {
    return false;
  }
}

/** Follows the fragment of a reference: an anchor's name, or a JSON pointer (RFC 6901 §6). */
function leadsSomewhere(schema: object, fragment: string, anchors: ReadonlySet<string>): boolean {
  if (fragment === "") return true;
  if (!fragment.startsWith("/")) return anchors.has(fragment);
  let node: unknown = schema;
  for (const step of fragment.slice(1).split("/")) {
    const key = decode(step);
    if (typeof node !== "object" || node === null || key === undefined || !Object.hasOwn(node, key)) return false;
    node = (node as Record<string, unknown>)[key];
  }
  return true;
}

function decode(step: string): string | undefined {
  try {
    return decodeURIComponent(step).replaceAll("~1", "/").replaceAll("~0", "~");
  } catch {
    // Malformed percent encoding names nothing.
    return undefined;
  }
}
