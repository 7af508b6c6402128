import { type LoomError, Wakeup } from "@loom-bridge/protocol";

/** How an agent stands with its bridge. */
export interface ConnectionStatus {
  readonly state: "idle" | "connecting" | "online" | "reconnecting" | "draining" | "closed";
  /** Which attempt to reach the bridge this is, counted from 1 since the last stable session; 0 when online. */
  readonly attempt: number;
  /** While reconnecting: how long after this status the attempt begins, in milliseconds. */
  readonly nextAttemptMs?: number;
  /** While reconnecting: why the stream was lost. When closed: why, unless the agent was stopped. */
  readonly reason?: LoomError;
}

/** The status of one agent and those who watch it. A watcher that is slow sees the latest, not all. */
export class StatusBoard {
  readonly #watchers = new Set<Watcher>();
  #current: ConnectionStatus = { state: "idle", attempt: 0 };

  get current(): ConnectionStatus {
    return this.#current;
  }

  set(status: ConnectionStatus): void {
    this.#current = status;
    for (const watcher of this.#watchers) watcher.changed();
  }

  /** The status now, then each change, to the end of the agent. */
  watch(): AsyncIterableIterator<ConnectionStatus> {
    const watcher = new Watcher(
      () => this.#current,
      () => this.#watchers.delete(watcher),
    );
    this.#watchers.add(watcher);
    return watcher;
  }
}

class Watcher implements AsyncIterableIterator<ConnectionStatus> {
  readonly #wakeup = new Wakeup();
  readonly #read: () => ConnectionStatus;
  readonly #leave: () => void;
  #isNew = true;
  #ended = false;

  constructor(read: () => ConnectionStatus, leave: () => void) {
    this.#read = read;
    this.#leave = leave;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  changed(): void {
    this.#isNew = true;
    this.#wakeup.wake();
  }

  async next(): Promise<IteratorResult<ConnectionStatus, undefined>> {
    while (!this.#ended && !this.#isNew) await this.#wakeup.wait();
    if (this.#ended) return { done: true, value: undefined };
    this.#isNew = false;
    const value = this.#read();
    if (value.state === "closed") this.#end();
    return { done: false, value };
  }

  return(): Promise<IteratorResult<ConnectionStatus, undefined>> {
    this.#end();
    this.#wakeup.wake();
    return Promise.resolve({ done: true, value: undefined });
  }

  #end(): void {
    this.#ended = true;
    this.#leave();
  }
}
