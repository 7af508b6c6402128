/** What checking a value against a schema may cost. */
export interface SchemaCost {
  /** Schemas within the schema, and values that it lists. Each is looked at once for each value, at most. */
  readonly steps: number;
  /** Whether there is more to it: patterns, comparisons of everything with everything, references that lead back. */
  readonly isOpen: boolean;
}

/** Keywords with which checking costs more than one look at each value. */
const openKeywords = new Set([
  "$dynamicRef",
  "$recursiveRef",
  "$ref",
  "format",
  "pattern",
  "patternProperties",
  "uniqueItems",
  "unevaluatedItems",
  "unevaluatedProperties",
]);

/** Measures a schema that does not nest deeper than a stack allows. Names that look like keywords count as such. */
export function measureSchema(schema: object): SchemaCost {
  let steps = 0;
  let isOpen = false;
  const rest: object[] = [schema];
  for (let node = rest.pop(); node !== undefined; node = rest.pop()) {
    steps += 1;
    for (const [key, child] of Object.entries(node)) {
      if (openKeywords.has(key)) isOpen = true;
      if (typeof child === "object" && child !== null) rest.push(child);
      else if (Array.isArray(node)) steps += 1;
    }
  }
  return { steps, isOpen };
}
