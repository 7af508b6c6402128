import { type Runtime, systemRuntime } from "@loom-bridge/protocol";
import { run } from "./run.ts";
import type { Terminal } from "./terminal.ts";

/** A command that runs in this process: what it wrote, and a hand on its signals. */
export interface RunningCommand {
  /** Resolves with the exit code. */
  readonly ended: Promise<number>;
  readonly output: () => string;
  readonly errors: () => string;
  /** The standard output, line by line, as JSON. */
  readonly json: () => Record<string, unknown>[];
  /** Codes that the command asked the process to exit with at once. */
  readonly exits: readonly number[];
  /** Resolves when the standard output or error output contains the text. */
  wrote(text: string): Promise<void>;
  interrupt(signal: string): void;
  hangUp(): void;
}

export interface TestTerminalOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly input?: string;
  readonly runtime?: Runtime;
}

/** Starts a command line in this process. */
export function start(args: readonly string[], options: TestTerminalOptions = {}): RunningCommand {
  let output = "";
  let errors = "";
  const exits: number[] = [];
  const listeners = new Set<(signal: string) => void>();
  const hangups = new Set<() => void>();
  const waiting = new Map<string, () => void>();
  const check = (): void => {
    for (const [text, resolve] of waiting) if ((output + errors).includes(text)) resolve();
  };
  const terminal: Terminal = {
    runtime: options.runtime ?? systemRuntime,
    env: options.env ?? {},
    cwd: options.cwd ?? "/nowhere",
    pid: 1,
    write(text) {
      output += text;
      check();
    },
    writeError(text) {
      errors += text;
      check();
    },
    style: (_style, text) => text,
    readInput: async () => options.input ?? "",
    onInterrupt(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    onHangup(listener) {
      hangups.add(listener);
      return () => void hangups.delete(listener);
    },
    exit: (code) => void exits.push(code),
  };
  return {
    ended: run(args, terminal),
    output: () => output,
    errors: () => errors,
    json: () =>
      output
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line)),
    exits,
    wrote: (text) =>
      new Promise((resolve) => {
        waiting.set(text, resolve);
        check();
      }),
    interrupt(signal) {
      for (const listener of listeners) listener(signal);
    },
    hangUp() {
      for (const listener of hangups) listener();
    },
  };
}

/** Runs a command line in this process to its end. */
export async function runToEnd(
  args: readonly string[],
  options?: TestTerminalOptions,
): Promise<{ code: number; output: string; errors: string; json: () => Record<string, unknown>[] }> {
  const command = start(args, options);
  const code = await command.ended;
  return { code, output: command.output(), errors: command.errors(), json: command.json };
}
