import { type ChildProcess, spawn } from "node:child_process";

export interface ProgramOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
}

export interface ProgramEnd {
  readonly output: string;
  readonly errors: string;
  /** The exit code, or the signal that ended it. */
  readonly exit: number | NodeJS.Signals | null;
}

/** A program that a page tells its readers to run. */
export interface Program {
  /** Resolves when it has printed something, or has ended. */
  readonly ready: Promise<unknown>;
  readonly ended: Promise<ProgramEnd>;
  /** What it has printed so far. */
  output(): string;
  /** What Ctrl-C in its terminal does. */
  interrupt(): void;
}

/** A background program lives as long as its page takes, on a busy machine too. */
const maxRunMs = 100_000;

export function startProgram({ command, args, cwd, env }: ProgramOptions): Program {
  // In a process group of its own, as in a terminal of its own.
  const child = spawn(command, args, { cwd, env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  let errors = "";
  const timer = setTimeout(() => signal(child, "SIGKILL"), maxRunMs);
  child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
  const printed = new Promise((resolve) => {
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      resolve(undefined);
    });
  });
  const ended = new Promise<ProgramEnd>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, killedBy) => {
      clearTimeout(timer);
      resolve({ output, errors, exit: code ?? killedBy });
    });
  });
  return {
    ready: Promise.race([printed, ended]),
    ended,
    output: () => output,
    interrupt: () => signal(child, "SIGINT"),
  };
}

function signal({ pid, exitCode }: ChildProcess, name: NodeJS.Signals): void {
  if (pid !== undefined && exitCode === null) process.kill(-pid, name);
}
