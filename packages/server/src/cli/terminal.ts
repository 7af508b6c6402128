import { styleText } from "node:util";
import { type Runtime, systemRuntime } from "@loom-bridge/protocol";

export type Style = Parameters<typeof styleText>[0];

/** What a command takes from the process it runs in. */
export interface Terminal {
  readonly runtime: Runtime;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly pid: number;
  /** Writes to the standard output, as it is. */
  write(text: string): void;
  /** Writes to the standard error output, as it is. */
  writeError(text: string): void;
  /** Colours text for the standard output, where that shows colours and NO_COLOR is not set. */
  style(style: Style, text: string): string;
  /** All of the standard input. */
  readInput(): Promise<string>;
  /** Calls the listener for every SIGINT and SIGTERM until the returned function is called. */
  onInterrupt(listener: (signal: string) => void): () => void;
  /** Calls the listener for every SIGHUP until the returned function is called. */
  onHangup(listener: () => void): () => void;
  /** Ends the process at once. */
  exit(code: number): void;
}

/** The terminal of this process. */
export function createProcessTerminal(): Terminal {
  // "loom-bridge subscribe … | head" closes the pipe; that is no failure, and nobody reads on.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit();
    throw error;
  });
  return {
    runtime: systemRuntime,
    env: process.env,
    cwd: process.cwd(),
    pid: process.pid,
    write: (text) => void process.stdout.write(text),
    writeError: (text) => void process.stderr.write(text),
    style: (style, text) => styleText(style, text, { stream: process.stdout }),
    async readInput() {
      const chunks: Buffer[] = [];
      for await (const chunk of process.stdin) chunks.push(chunk);
      return Buffer.concat(chunks).toString("utf8");
    },
    onInterrupt(listener) {
      process.on("SIGINT", listener);
      process.on("SIGTERM", listener);
      return () => {
        process.off("SIGINT", listener);
        process.off("SIGTERM", listener);
      };
    },
    onHangup(listener) {
      process.on("SIGHUP", listener);
      return () => void process.off("SIGHUP", listener);
    },
    exit: (code) => process.exit(code),
  };
}
