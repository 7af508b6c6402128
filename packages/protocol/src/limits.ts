/**
 * The limits that client and server agree on. The bridge enforces them; the client checks the same numbers first so
 * that an author learns of a mistake where it was made.
 */
export const limits = {
  /** A message on the wire, in bytes. gRPC libraries take 4 MiB unless told otherwise. */
  messageBytes: 4_194_304,
  /** An encoded event, in bytes. A full queue of them must stay affordable. */
  eventBytes: 1_048_576,
  /** A topic or filter, in bytes. */
  topicBytes: 256,
  /** Segments of a topic or filter. */
  topicSegments: 16,
  /** An agent id, session id, tool name or call id, in bytes. */
  idBytes: 128,
  /** Filters of one session, all subscriptions together. */
  filtersPerSession: 128,
  /** Subscriptions of one session. */
  subscriptionsPerSession: 64,
  /** Tools that one agent may provide. */
  toolsPerAgent: 128,
  /** Pairs in a metadata map. */
  metadataPairs: 64,
  /** A metadata key, in bytes. */
  metadataKeyBytes: 64,
  /** A metadata value, in bytes. */
  metadataValueBytes: 4096,
  /** The arguments of a tool call, in bytes of JSON. */
  argumentsBytes: 262_144,
  /** How deep the arguments of a tool call may nest. */
  argumentsDepth: 64,
  /** The output of a tool call, in bytes of JSON. */
  outputBytes: 1_048_576,
  /** A tool's JSON Schema, in bytes. */
  schemaBytes: 65_536,
  /** A tool call's time when it names none, in milliseconds. */
  toolTimeoutDefaultMs: 30_000,
  /** The longest time a tool call can have, in milliseconds. */
  toolTimeoutMaxMs: 600_000,
} as const;

/** How often an agent says that it lives, in milliseconds. */
export const heartbeatIntervalMs: number = 30_000;

/** The queue of a client's stream, in messages. */
export const outboundQueueMessages: number = 2048;
