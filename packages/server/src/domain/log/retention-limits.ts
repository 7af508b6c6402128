/** How much of the past a log keeps. What is over a limit goes, oldest first. */
export interface RetentionLimits {
  /**
   * Events of one topic, and half a percent more until they go together. Default: 10 000, ten seconds of a busy topic: a
   * reconnect takes no longer.
   */
  readonly topicMessages: number;
  /** Bytes of one topic's events. Default: 8 MiB, so that no topic has more than an eighth of the log. */
  readonly topicBytes: number;
  /** Bytes of all events. Default: 64 MiB. */
  readonly totalBytes: number;
  /** Topics with events. Default: 10 000; those without news for longest go first. */
  readonly topics: number;
  /** How old an event may become, in milliseconds. Default: 600 000, ten minutes: a reconnect takes seconds. */
  readonly ageMs: number;
  /** Positions of durable subscriptions. Default: 10 000. */
  readonly positions: number;
}

export const defaultRetentionLimits: RetentionLimits = {
  topicMessages: 10_000,
  topicBytes: 8_388_608,
  totalBytes: 67_108_864,
  topics: 10_000,
  ageMs: 600_000,
  positions: 10_000,
};
