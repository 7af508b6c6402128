/** What events have that have none. */
export const noTags: readonly string[] = Object.freeze([]);

/** What an event says. Its message says the same, with a time in other numbers. */
export interface EventFields {
  readonly id: string;
  readonly type: string;
  readonly timestampMs: number | bigint;
  readonly source: string;
  /** Perhaps that of other events, too. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly payload: Uint8Array;
  readonly confidence: number;
  readonly tags: readonly string[];
  readonly priority: number;
}
