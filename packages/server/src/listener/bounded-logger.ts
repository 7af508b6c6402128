import type { Runtime } from "@loom-bridge/protocol";
import type { Logger } from "../domain/logger.ts";

const linesPerSecond = 10;

/**
 * Passes on at most ten lines of each message a second, so that no peer can fill a disk with its mistakes. The next
 * line tells how many were left out. Messages must be constants; what varies belongs in the facts.
 */
export function createBoundedLogger(logger: Logger, runtime: Runtime): Logger {
  const seconds = new Map<string, { start: number; lines: number }>();

  const bounded =
    (level: keyof Logger): Logger["info"] =>
    (message, facts) => {
      const now = runtime.monotonic();
      let second = seconds.get(message);
      let leftOut = 0;
      if (second === undefined || now - second.start >= 1000) {
        leftOut = Math.max(0, (second?.lines ?? 0) - linesPerSecond);
        second = { start: now, lines: 0 };
        seconds.set(message, second);
      }
      second.lines += 1;
      if (second.lines <= linesPerSecond) logger[level](message, leftOut === 0 ? facts : { ...facts, leftOut });
    };

  return { debug: bounded("debug"), info: bounded("info"), warn: bounded("warn"), error: bounded("error") };
}
