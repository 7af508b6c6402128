import { heartbeatIntervalMs, outboundQueueMessages } from "@loom-bridge/protocol";

/** The bounds of one session. */
export interface SessionSettings {
  /** How often an agent says that it lives. Three intervals of silence end its session. */
  readonly heartbeatIntervalMs: number;
  /** Publishes that may be unanswered before the bridge stops reading. */
  readonly publishWindow: number;
  /** Bytes of publishes that may wait before the bridge stops reading. */
  readonly publishBytes: number;
  /** Tool calls that an agent may have open as a caller. */
  readonly maxOpenCalls: number;
  /** Frames that may wait for an agent that does not read. */
  readonly maxControlFrames: number;
  readonly maxControlBytes: number;
  /** Events and bytes that one subscription may send before the others have their turn. */
  readonly batchEvents: number;
  readonly batchBytes: number;
}

export const defaultSessionSettings: SessionSettings = {
  heartbeatIntervalMs,
  publishWindow: outboundQueueMessages,
  publishBytes: 8_388_608,
  maxOpenCalls: 256,
  maxControlFrames: 4096,
  maxControlBytes: 16_777_216,
  batchEvents: 256,
  batchBytes: 524_288,
};
