export { agentSegment } from "./agent-segment.ts";
export { BoundedQueue, type BoundedQueueOptions, type Overflow } from "./bounded-queue.ts";
export { type EnvelopeField, envelopeKeys, readEnvelope, readEnvelopeKey, repliesTopic } from "./envelope-keys.ts";
export { heartbeatIntervalMs, limits, outboundQueueMessages } from "./limits.ts";
export { type ErrorCode, LoomError, type LoomErrorOptions } from "./loom-error.ts";
export { NumberMap } from "./number-map.ts";
export { maxTimerDelayMs, type Runtime, systemRuntime, type Timer } from "./runtime.ts";
export {
  anyDepth,
  anySegment,
  deadLetterTopic,
  filterMatches,
  isBridgeTopic,
  parseFilter,
  parseTopic,
} from "./topic.ts";
export { Wakeup } from "./wakeup.ts";
