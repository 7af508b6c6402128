import type { Scheduler } from "./scheduler.ts";

// Kept from before any test may have replaced them.
const { setTimeout: afterRealTime, clearTimeout: cancelRealTime } = globalThis;

/** How long nothing happens in real time before somebody is told. It also keeps the process alive for so long. */
const patienceMs = 2000;

/**
 * Says once, as a warning of the process, that a test seems to wait for virtual time to pass by itself, and what to
 * write instead. Returns what ends the watch.
 */
export function warnOfStandstill(scheduler: Scheduler, isDriven: () => boolean, whoWaits: () => string[]): () => void {
  let ran = scheduler.ran;
  const check = (): void => {
    const isIdle = ran === scheduler.ran && !isDriven();
    ran = scheduler.ran;
    if (!isIdle) {
      timer = afterRealTime(check, patienceMs);
      return;
    }
    const waits = whoWaits();
    if (waits.length === 0) return;
    const message =
      `nothing has happened for ${patienceMs} ms, because virtual time passes only while somebody waits for it. ` +
      "Write `await bridge.run(promise)` for what takes time, let a probe do it, or call `bridge.clock.advance()`. " +
      `Now: ${waits.join("; ")}`;
    process.emitWarning(message, { type: "LoomTestBridgeWarning" });
  };
  let timer = afterRealTime(check, patienceMs);
  return () => cancelRealTime(timer);
}
