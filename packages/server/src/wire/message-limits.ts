/** What one message may be made of, whatever carries it. */
export const messageLimits = {
  /**
   * Fields of one message, those of the messages within it and the entries of its lists and maps among them. Parsing
   * costs by their number rather than by bytes: 300 000 entries of a map are 2 MB, and take most of a second.
   */
  elements: 32_768,
  /** How deep a message, or JSON that stands for one, may nest. The parser of protobuf ends at the same depth. */
  depth: 100,
} as const;
