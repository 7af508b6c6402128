import { LoomError } from "@loom-bridge/protocol";
import type { CompiledSchema, SchemaCompiler } from "./schema-validator.ts";

/** Compiled schemas, one for each distinct text, kept as long as somebody uses them. */
export interface SchemaCache {
  /** Compiles the text, or finds it compiled. Every call is undone by one `release`. */
  acquire(schemaText: string): CompiledSchema;
  release(schemaText: string): void;
  /** Distinct texts in use. */
  readonly size: number;
}

interface Entry {
  readonly schema: CompiledSchema;
  uses: number;
}

/** `acquire` throws LoomError `resource_exhausted` when `maxSchemas` distinct texts are in use. */
export function createSchemaCache(compiler: SchemaCompiler, maxSchemas: number): SchemaCache {
  const entries = new Map<string, Entry>();
  return {
    acquire(schemaText) {
      let entry = entries.get(schemaText);
      if (entry === undefined) {
        if (entries.size >= maxSchemas) {
          throw new LoomError(
            "resource_exhausted",
            `the tools of this bridge use ${entries.size} distinct schemas; at most ${maxSchemas} are allowed`,
            { details: { limit: "maxSchemas", value: String(maxSchemas) } },
          );
        }
        entry = { schema: compiler.compile(schemaText), uses: 0 };
        entries.set(schemaText, entry);
      }
      entry.uses += 1;
      return entry.schema;
    },
    release(schemaText) {
      const entry = entries.get(schemaText);
      if (entry === undefined) return;
      entry.uses -= 1;
      if (entry.uses === 0) entries.delete(schemaText);
    },
    get size() {
      return entries.size;
    },
  };
}
