import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export interface ProcessOptions {
  readonly name: string;
  readonly file: URL;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Told every line of its standard output. Default: the line is printed. */
  readonly onLine?: (line: string) => void;
  /** Whether it may end before it is told to, if it ends well. Default: false. */
  readonly mayEnd?: boolean;
}

export interface Child {
  /** Resolves when it ended well; rejects with what it said last when not. */
  readonly exited: Promise<void>;
  /** Ends it with SIGTERM, or after 10 s with SIGKILL. Rejects when it does not end well. */
  stop(): Promise<void>;
}

interface Started extends Child {
  readonly process: ChildProcess;
}

const graceMs = 10_000;
const keptLines = 20;

/** The processes of the desk. Whatever happens, none of them outlives this one. */
export class Processes implements AsyncDisposable {
  readonly #children = new Set<Started>();
  readonly #failure = new AbortController();
  readonly #killAll = (): void => {
    for (const { process: child } of this.#children) child.kill("SIGKILL");
  };

  constructor() {
    process.once("exit", this.#killAll);
  }

  /** Aborts with an Error that says which process failed and what it said last. */
  get failed(): AbortSignal {
    return this.#failure.signal;
  }

  /** Runs a TypeScript file in a process of its own. */
  start({ name, file, args = [], env = {}, onLine = console.log, mayEnd = false }: ProcessOptions): Child {
    const child = spawn(process.execPath, [...process.execArgv, fileURLToPath(file), ...args], {
      // What is set for a bridge of the user's own is not meant for this one.
      env: { ...withoutBridgeSettings(process.env), ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const lastWords: string[] = [];
    createInterface({ input: child.stdout }).on("line", onLine);
    createInterface({ input: child.stderr }).on("line", (line) => {
      lastWords.push(line);
      if (lastWords.length > keptLines) lastWords.shift();
    });
    let stopping = false;
    const exited = new Promise<void>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code, signal) => {
        this.#children.delete(started);
        const ended = code === null ? `was ended by ${signal}` : `ended with exit code ${code}`;
        const message = [`${name} ${ended}${stopping ? "" : " before its time"}`, ...lastWords].join("\n    ");
        if (code === 0 && (stopping || mayEnd)) resolve();
        else reject(new Error(message));
      });
    });
    exited.catch((error: unknown) => {
      if (!stopping) this.#failure.abort(error);
    });
    const started: Started = {
      process: child,
      exited,
      async stop() {
        stopping = true;
        child.kill("SIGTERM");
        const late = setTimeout(() => child.kill("SIGKILL"), graceMs);
        await exited.finally(() => clearTimeout(late));
      },
    };
    this.#children.add(started);
    return started;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled([...this.#children].map((child) => child.stop()));
    process.off("exit", this.#killAll);
  }
}

function withoutBridgeSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith("LOOM_BRIDGE_")));
}
