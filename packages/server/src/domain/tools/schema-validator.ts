/** One way in which a value does not fit its schema. */
export interface SchemaProblem {
  /** Where, as a JSON pointer into the value. Empty: the value itself. */
  readonly path: string;
  /** The rule that is broken, for example "must be string". */
  readonly message: string;
}

/** A JSON Schema, ready to check values. */
export interface CompiledSchema {
  /**
   * Returns the first problems of a value, or an empty list when it fits. Objects in the value have no prototype, as
   * `parseToolArguments` makes them, so that a schema that asks for "toString" is not answered by `Object`. `bytes` is
   * how long the value is as JSON: short ones need no watching.
   */
  check(value: unknown, bytes: number): readonly SchemaProblem[];
}

/** Turns JSON Schema (draft 2020-12) into checks. Never fetches anything. */
export interface SchemaCompiler {
  /** @throws LoomError `invalid_argument` that says what is wrong with the schema. */
  compile(schemaText: string): CompiledSchema;
}
