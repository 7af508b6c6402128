import type { Runtime } from "@loom-bridge/protocol";
import { pino, stdSerializers } from "pino";
import type { Logger } from "../domain/logger.ts";
import { toTextLine } from "./text-line.ts";

export interface PinoLoggerOptions {
  /** The least important lines that are written. */
  readonly level: "debug" | "info" | "warn" | "error" | "silent";
  /** Lines for people, or one JSON object a line. */
  readonly format: "text" | "json";
  readonly runtime: Runtime;
  /** Takes whole lines, each with its line feed. */
  readonly write: (line: string) => void;
}

/** A Logger that writes lines. */
export function createPinoLogger({ level, format, runtime, write }: PinoLoggerOptions): Logger {
  const destination = format === "json" ? { write } : { write: (line: string) => write(toTextLine(line)) };
  const logger = pino(
    {
      level,
      // Neither process id nor host: whoever gathers the lines adds them.
      base: null,
      timestamp: () => `,"time":${Math.floor(runtime.now())}`,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: stdSerializers.err },
    },
    destination,
  );
  return {
    debug: (message, facts = {}) => logger.debug(facts, message),
    info: (message, facts = {}) => logger.info(facts, message),
    warn: (message, facts = {}) => logger.warn(facts, message),
    error: (message, facts = {}) => logger.error(facts, message),
  };
}
