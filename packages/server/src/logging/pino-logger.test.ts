import assert from "node:assert/strict";
import { test } from "node:test";
import { systemRuntime } from "@loom-bridge/protocol";
import type { Logger } from "../domain/logger.ts";
import { createPinoLogger, type PinoLoggerOptions } from "./pino-logger.ts";

/** 12:34:56.789 UTC */
const noonMs = Date.UTC(2030, 0, 2, 12, 34, 56, 789);

function recorder(options: Partial<PinoLoggerOptions> = {}): { logger: Logger; lines: string[] } {
  const lines: string[] = [];
  const runtime = { ...systemRuntime, now: () => noonMs };
  const write = (line: string): void => void lines.push(line);
  return { lines, logger: createPinoLogger({ level: "info", format: "json", runtime, write, ...options }) };
}

test("a JSON line has level, time, message and facts, and nothing of the host", () => {
  const { logger, lines } = recorder();
  logger.info("the bridge listens", { port: 7 });
  assert.deepEqual(JSON.parse(lines[0] ?? ""), { level: "info", time: noonMs, msg: "the bridge listens", port: 7 });
  assert.ok(lines[0]?.endsWith("}\n"));
});

test("lines below the level are not written", () => {
  const { logger, lines } = recorder({ level: "warn" });
  logger.debug("no");
  logger.info("no");
  logger.warn("yes");
  logger.error("yes");
  assert.equal(lines.length, 2);
  const silent = recorder({ level: "silent" });
  silent.logger.error("no");
  assert.deepEqual(silent.lines, []);
});

test("an error in the facts keeps its message and stack in both formats", () => {
  const error = new RangeError("too far");
  const json = recorder();
  json.logger.error("it broke", { error });
  assert.equal(JSON.parse(json.lines[0] ?? "").error.message, "too far");
  const text = recorder({ format: "text" });
  text.logger.error("it broke", { error });
  assert.match(text.lines[0] ?? "", /RangeError: too far/);
});

test("a text line reads from left to right and stays one line", () => {
  const { logger, lines } = recorder({ format: "text" });
  logger.warn("an agent is slow", { agentId: "a-1", reason: "two\nlines", events: 3 });
  const minutesOn = /^\d\d:34:56\.789 WARN  an agent is slow agentId=a-1 reason="two\\nlines" events=3\n$/;
  assert.match(lines[0] ?? "", minutesOn);
});
