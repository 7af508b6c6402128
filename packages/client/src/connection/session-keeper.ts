import { type LoomError, type Runtime, Wakeup } from "@loom-bridge/protocol";
import type { Ack } from "@loom-bridge/protocol/messages";
import { Backoff } from "./backoff.ts";
import type { ConnectionStatus } from "./connection-status.ts";
import { createDeferred } from "./deferred.ts";
import { isFinal } from "./is-final.ts";
import { defaultReconnect, type ReconnectOptions } from "./reconnect-options.ts";
import type { Session } from "./session.ts";

export interface SessionKeeperOptions {
  readonly runtime: Runtime;
  /** Makes sure that a bridge is there; awaited before the first session. */
  readonly connect: () => Promise<void>;
  /** `onOnline` is to be called with the bridge's Ack, before what comes after it: its handlers may use the agent. */
  readonly openSession: (onOnline: (ack: Ack) => void) => Session;
  /** Gives up a connection on which the bridge fell silent, so that the next session gets another. */
  readonly renewConnection: () => Promise<void>;
  /** The bridge refused the credentials; returns whether there may be others to come back with. */
  readonly renewCredentials: () => boolean;
  /** False: the first end is the last. */
  readonly reconnect: ReconnectOptions | false;
  /** Whether to try again also before the first session. */
  readonly retryStart: boolean;
  readonly onStatus: (status: ConnectionStatus) => void;
  readonly onOnline: (ack: Ack) => void;
  /** Called when a stream is over. */
  readonly onLost: () => void;
}

/** Keeps a session with the bridge: opens one after the other until it is closed or coming back has no sense. */
export class SessionKeeper {
  readonly #options: SessionKeeperOptions;
  readonly #reconnect: Required<ReconnectOptions>;
  readonly #backoff: Backoff;
  readonly #wakeup = new Wakeup();
  #session: Session | undefined;
  /** Resolves with the next session that stands. */
  #next = createDeferred<Session>();
  #isOnline = false;
  /** How often in a row the bridge refused the credentials. */
  #refusals = 0;
  #hasBeenOnline = false;
  #closing = false;

  constructor(options: SessionKeeperOptions) {
    this.#options = options;
    this.#reconnect = { ...defaultReconnect, ...(options.reconnect === false ? {} : options.reconnect) };
    this.#backoff = new Backoff(this.#reconnect, options.runtime);
  }

  /** The stream that is open or opening. */
  get session(): Session | undefined {
    return this.#session;
  }

  /** Resolves with the session that stands, or the next one that does; rejects when there will be none. */
  next(): Promise<Session> {
    return this.#next.promise;
  }

  /** Keeps a session to the end. Resolves with the reason, or with nothing when it was closed. */
  async run(): Promise<LoomError | undefined> {
    this.#options.onStatus({ state: "connecting", attempt: 1 });
    for (;;) {
      const end = await this.#keepOne();
      if (this.#closing) return undefined;
      if (end.reason !== undefined && !this.#mayReturn(end.reason)) return end.reason;
      const delayMs = end.movedMs ?? this.#backoff.next(end.reason);
      this.#announce(delayMs, end.reason);
      await this.#sleep(delayMs);
      if (this.#closing) return undefined;
    }
  }

  /** Says goodbye and opens no more. Resolves when the stream is over. */
  async close(reason: string): Promise<void> {
    this.#closing = true;
    this.#wakeup.wake();
    await this.#session?.close(reason);
  }

  /** There will be no session any more. */
  reject(reason: LoomError): void {
    this.#closing = true;
    this.#next.reject(reason);
  }

  async #keepOne(): Promise<{ reason: LoomError | undefined; movedMs?: number }> {
    const { runtime, connect, openSession, onOnline, onLost, onStatus } = this.#options;
    try {
      if (!this.#hasBeenOnline) await connect();
    } catch (error) {
      return { reason: error as LoomError };
    }
    // It may have been closed while it connected.
    if (this.#closing) return { reason: undefined };
    let stableAtMs = Number.POSITIVE_INFINITY;
    const session = openSession((ack) => {
      stableAtMs = runtime.monotonic() + this.#reconnect.stableAfterMs;
      this.#hasBeenOnline = true;
      this.#isOnline = true;
      this.#refusals = 0;
      this.#next.resolve(session);
      onStatus({ state: "online", attempt: 0 });
      onOnline(ack);
    });
    this.#session = session;
    const reason = await session.ended;
    if (this.#isOnline) this.#next = createDeferred();
    this.#isOnline = false;
    onLost();
    if (session.isSilent) await this.#options.renewConnection();
    const wasStable = runtime.monotonic() >= stableAtMs;
    if (wasStable) this.#backoff.reset();
    // A bridge that sends everybody away at once is one to wait for.
    return reason === undefined && wasStable ? { reason, movedMs: 0 } : { reason };
  }

  #mayReturn(reason: LoomError): boolean {
    const { reconnect, retryStart } = this.#options;
    if (reconnect === false || !(this.#hasBeenOnline || retryStart)) return false;
    if (reason.code !== "unauthenticated") return !isFinal(reason);
    this.#refusals += 1;
    // The first ones may have expired or been revoked; new ones that are refused as well are no credentials here.
    return this.#refusals <= 2 && this.#options.renewCredentials();
  }

  #announce(nextAttemptMs: number, reason: LoomError | undefined): void {
    const state = this.#hasBeenOnline ? "reconnecting" : "connecting";
    const attempt = Math.max(1, this.#backoff.attempts);
    this.#options.onStatus({ state, attempt, nextAttemptMs, ...(reason === undefined ? {} : { reason }) });
  }

  async #sleep(delayMs: number): Promise<void> {
    const timer = this.#options.runtime.setTimer(() => this.#wakeup.wake(), delayMs);
    await this.#wakeup.wait();
    timer.cancel();
  }
}
