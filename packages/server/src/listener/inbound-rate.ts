import type { Runtime } from "@loom-bridge/protocol";
import type { Breaches } from "../domain/breaches.ts";
import type { ListenerLimits } from "./listener-limits.ts";
import { TokenBucket } from "./token-bucket.ts";

/** How fast the messages of one call may come. */
export interface InboundRate {
  /** Takes note of a message, and calls back when the next one may follow: at once, or when its time has come. */
  spend(bytes: number, next: () => void): void;
  /** Calls back no more. */
  close(): void;
}

export interface InboundRateOptions {
  readonly limits: Pick<ListenerLimits, "streamMessagesPerSec" | "streamBytesPerSec">;
  readonly breaches: Breaches;
  readonly runtime: Runtime;
}

const unlimited: InboundRate = { spend: (_bytes, next) => next(), close() {} };

/**
 * Nobody is refused: who sends too fast is not read until its time has come, and is stopped by its own window.
 * A second's worth may come at once on top of the rate.
 */
export function createInboundRate({ limits, breaches, runtime }: InboundRateOptions): InboundRate {
  const { streamMessagesPerSec, streamBytesPerSec } = limits;
  if (streamMessagesPerSec === 0 && streamBytesPerSec === 0) return unlimited;
  const now = runtime.monotonic();
  const bucketOf = (perSecond: number): TokenBucket | undefined =>
    perSecond === 0 ? undefined : new TokenBucket({ perSecond, burst: 2 * perSecond }, now);
  const messages = bucketOf(streamMessagesPerSec);
  const volume = bucketOf(streamBytesPerSec);
  let timer: { cancel(): void } | undefined;
  let closed = false;
  return {
    spend(bytes, next) {
      const nowMs = runtime.monotonic();
      const messagesMs = messages?.spend(1, nowMs) ?? 0;
      const bytesMs = volume?.spend(bytes, nowMs) ?? 0;
      const waitMs = Math.max(messagesMs, bytesMs);
      if (closed) return;
      if (waitMs === 0) return next();
      breaches.count(messagesMs >= bytesMs ? "streamMessagesPerSec" : "streamBytesPerSec");
      timer = runtime.setTimer(next, waitMs);
    },
    close() {
      closed = true;
      timer?.cancel();
    },
  };
}
