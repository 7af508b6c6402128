import { totalmem } from "node:os";
import { constrainedMemory } from "node:process";
import { getHeapStatistics } from "node:v8";
import { LoomError, type Runtime, type Timer } from "@loom-bridge/protocol";
import type { Breaches } from "./domain/breaches.ts";
import type { Logger } from "./domain/logger.ts";
import type { Load } from "./listener/listen.ts";

/** What the process of a bridge may use. */
export interface OverloadLimits {
  /**
   * The memory of the process, in bytes. At 70 % the bridge takes no more calls, at 85 % it gives up the subscriber
   * whose queue holds most, at 95 % it takes no more connections. 0, the default: what the container or machine has. The
   * heap, which Node limits by itself, has the same steps.
   */
  readonly memoryBytes: number;
  /**
   * How late timers may be for two seconds on end, in milliseconds; then no more calls are taken until they are not.
   * Default: 1000: a thousand agents that come back at once make it a fifth of that, and are let in sooner so.
   */
  readonly maxLoopDelayMs: number;
}

export const defaultOverloadLimits: OverloadLimits = { memoryBytes: 0, maxLoopDelayMs: 1000 };

/** How full a process is, and how late. */
export interface Overload extends Load {
  /** The part of its memory that is used: 1 is all of it. */
  readonly memoryUse: number;
  /** How late the last timer was, in milliseconds. */
  readonly loopDelayMs: number;
  close(): void;
}

export interface OverloadOptions {
  readonly limits: OverloadLimits;
  readonly runtime: Runtime;
  readonly logger: Logger;
  readonly breaches: Breaches;
  /** Gives up what takes most memory; returns whether there was something. */
  readonly shed: () => boolean;
  /** The part of its memory that the process uses. Default: of the real one. */
  readonly measureMemory?: () => number;
}

/** Like the steps of Envoy's overload manager: https://www.envoyproxy.io/docs/envoy/latest/configuration/operations/overload_manager/overload_manager */
const steps = { refuse: 0.7, shed: 0.85, full: 0.95 } as const;
const sampleMs = 100;
const lateForMs = 2000;

/** Watches the memory of the process and the delay of its event loop, and says what is still taken on. */
export function createOverload(options: OverloadOptions): Overload {
  const { limits, runtime, logger, breaches, shed } = options;
  const measure = options.measureMemory ?? (() => memoryUse(limits.memoryBytes));
  let memory = measure();
  let delayMs = 0;
  let lateSince: number | undefined;
  let isLate = false;
  let timer: Timer;

  function sample(dueMs: number): void {
    const nowMs = runtime.monotonic();
    delayMs = Math.max(0, nowMs - dueMs);
    if (delayMs <= limits.maxLoopDelayMs) lateSince = undefined;
    // One long turn is over when it is seen: late is what stays late.
    else lateSince ??= nowMs;
    const wasLate = isLate;
    isLate = lateSince !== undefined && nowMs - lateSince >= lateForMs;
    if (isLate && !wasLate) logger.warn("the event loop is late; no calls are taken", { delayMs: Math.round(delayMs) });
    memory = measure();
    if (memory >= steps.shed && shed()) {
      breaches.count("memoryBytes");
      logger.warn("memory is short; the subscriber with the largest queue was given up", { memoryUse: memory });
    }
    next();
  }

  function next(): void {
    const dueMs = runtime.monotonic() + sampleMs;
    timer = runtime.setTimer(() => sample(dueMs), sampleMs);
  }

  next();
  return {
    get memoryUse() {
      return memory;
    },
    get loopDelayMs() {
      return delayMs;
    },
    get isFull() {
      return memory >= steps.full;
    },
    refuseCall() {
      if (memory >= steps.refuse) {
        const used = Math.round(memory * 100);
        return busy("memoryBytes", limits.memoryBytes, `the bridge uses ${used} % of its memory`);
      }
      if (isLate)
        return busy("maxLoopDelayMs", limits.maxLoopDelayMs, `the bridge is ${Math.round(delayMs)} ms behind`);
      return undefined;
    },
    close: () => timer.cancel(),
  };
}

function busy(limit: string, value: number, problem: string): LoomError {
  return new LoomError("unavailable", `${problem}, and takes no more calls for now; come back later`, {
    retryable: true,
    details: { limit, value: String(value) },
  });
}

function memoryUse(memoryBytes: number): number {
  const { used_heap_size: heap, heap_size_limit: heapLimit } = getHeapStatistics();
  const available = memoryBytes > 0 ? memoryBytes : Math.min(constrainedMemory() || totalmem(), totalmem());
  return Math.max(process.memoryUsage.rss() / available, heap / heapLimit);
}
