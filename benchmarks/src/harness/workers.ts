import { type ChildProcess, fork } from "node:child_process";
import { pathToFileURL } from "node:url";
import type { WorkerMessage, WorkerRequest } from "../worker/role.ts";
import type { Usage } from "../worker/usage.ts";
import type { Snapshot } from "./snapshot.ts";

/** A process of a benchmark. */
export interface Worker {
  readonly name: string;
  /** What its role said when it was ready. */
  readonly ready: unknown;
  /** Asks it for something. Rejects after `timeoutMs`, by default 30 000. */
  call<Result = void>(command: string, argument?: unknown, timeoutMs?: number): Promise<Result>;
  usage(): Promise<Usage>;
  /** Keeps it on one core from now on. */
  place(core: number): Promise<void>;
  /** As `usage`, after the garbage of its heap was collected. */
  usageAfterCollection(): Promise<Usage>;
}

const closeTimeoutMs = 5000;
const defaultStartTimeoutMs = 30_000;

/** The processes of one scenario. Whatever happens, they end with it. */
export class Workers {
  readonly #snapshot: Snapshot;
  readonly #signal: AbortSignal;
  readonly #started: StartedWorker[] = [];

  constructor(snapshot: Snapshot, signal: AbortSignal) {
    this.#snapshot = snapshot;
    this.#signal = signal;
  }

  /** Starts a process that plays the role of that name. Rejects when it is not ready after `timeoutMs`. */
  async start(name: string, role: string, options: object, timeoutMs: number = defaultStartTimeoutMs): Promise<Worker> {
    this.#signal.throwIfAborted();
    const file = pathToFileURL(this.#snapshot.file(`roles/${role}`)).href;
    const child = fork(this.#snapshot.file("worker/worker"), [file, JSON.stringify(options)], {
      cwd: this.#snapshot.folder,
      // Only what the benchmark says: no loader, no inspector of the starter's.
      execArgv: [],
      env: withoutOwnSettings(process.env),
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    const worker = new StartedWorker(name, child, this.#signal, timeoutMs);
    this.#started.push(worker);
    await worker.isReady;
    return worker;
  }

  /** Ends all of them, those that serve last. */
  async close(): Promise<void> {
    for (const worker of this.#started.toReversed()) await worker.close();
  }
}

class StartedWorker implements Worker {
  readonly name: string;
  readonly isReady: Promise<unknown>;
  ready: unknown;
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, { resolve: (result: unknown) => void; reject: (reason: Error) => void }>();
  readonly #exited: Promise<void>;
  #lastId = 0;
  #failure: Error | undefined;

  constructor(name: string, child: ChildProcess, signal: AbortSignal, startTimeoutMs: number) {
    this.name = name;
    this.#child = child;
    const onAbort = (): void => this.#fail(new Error(String(signal.reason)));
    signal.addEventListener("abort", onAbort);
    this.#exited = new Promise((resolve) => {
      if (child.pid === undefined) resolve();
      // Not "close", which does not come for a channel that this side has closed.
      child.once("exit", (code, ended) => {
        signal.removeEventListener("abort", onAbort);
        this.#fail(new Error(`${name} ended (${ended ?? `exit code ${code}`})`));
        resolve();
      });
    });
    child.on("error", (error) => this.#fail(error));
    child.on("message", (message: WorkerMessage) => this.#onMessage(message));
    this.isReady = this.#expect(0, "its start", startTimeoutMs).then((ready) => {
      this.ready = ready;
    });
    // Waited for only by `start`; a failure while nobody asks anything is told to the next who does.
    this.isReady.catch(() => {});
  }

  call<Result>(command: string, argument?: unknown, timeoutMs = 30_000): Promise<Result> {
    this.#lastId += 1;
    const request: WorkerRequest = { id: this.#lastId, command, argument };
    const result = this.#expect(request.id, command, timeoutMs);
    if (this.#child.connected) this.#child.send(request, (error) => error !== null && this.#fail(error));
    return result as Promise<Result>;
  }

  usage(): Promise<Usage> {
    return this.call<Usage>("usage");
  }

  place(core: number): Promise<void> {
    return this.call("place", core);
  }

  usageAfterCollection(): Promise<Usage> {
    return this.call<Usage>("usageAfterCollection");
  }

  /** Without an answer its channel is closed, at which it ends itself and what it started. */
  async close(): Promise<void> {
    await this.call("close", undefined, closeTimeoutMs).catch(() => this.#disconnect());
    const late = setTimeout(() => this.#child.kill("SIGKILL"), closeTimeoutMs);
    await this.#exited;
    clearTimeout(late);
  }

  #disconnect(): void {
    if (this.#child.connected) this.#child.disconnect();
  }

  #expect(id: number, what: string, timeoutMs: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) {
        reject(this.#failure);
        return;
      }
      const late = new Error(`${this.name} did not finish ${what} within ${timeoutMs / 1000} s`);
      const timer = setTimeout(() => settle(() => reject(late)), timeoutMs);
      const settle = (how: () => void): void => {
        clearTimeout(timer);
        this.#waiting.delete(id);
        how();
      };
      this.#waiting.set(id, {
        resolve: (result) => settle(() => resolve(result)),
        reject: (reason) => settle(() => reject(reason)),
      });
    });
  }

  #onMessage(message: WorkerMessage): void {
    if ("failure" in message) this.#fail(new Error(`${this.name}: ${message.failure}`));
    else if ("error" in message) this.#waiting.get(message.id)?.reject(new Error(`${this.name}: ${message.error}`));
    else this.#waiting.get(message.id)?.resolve(message.result);
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const { reject } of [...this.#waiting.values()]) reject(this.#failure);
  }
}

function withoutOwnSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = Object.entries(env).filter(([name]) => !/^(NODE_OPTIONS|LOOM_BRIDGE_)/.test(name));
  return Object.fromEntries(kept);
}
