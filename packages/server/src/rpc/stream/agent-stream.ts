import type { ConnectError } from "@connectrpc/connect";
import { LoomError, type Runtime, type Timer } from "@loom-bridge/protocol";
import type { ClientEvent } from "@loom-bridge/protocol/messages";
import type { Access } from "../../domain/access/access.ts";
import type { Logger } from "../../domain/logger.ts";
import type { OnReady } from "../../domain/session/on-ready.ts";
import type { Session } from "../../domain/session/session.ts";
import type { SessionRegistry } from "../../domain/session/session-registry.ts";
import type { SessionSettings } from "../../domain/session/session-settings.ts";
import { handleClientEvent } from "../client-event-handler.ts";
import { toConnectError } from "../connect-error.ts";
import { type OpenedSession, openSession } from "./open-session.ts";

export interface AgentStreamOptions {
  readonly sessions: SessionRegistry;
  readonly settings: SessionSettings;
  readonly runtime: Runtime;
  readonly logger: Logger;
  /** How long a stream may be open without a Register, in milliseconds. */
  readonly registerTimeoutMs: number;
}

/** How a stream ended: its status, OK without an error. */
export interface StreamEnd {
  readonly error: ConnectError | undefined;
}

/**
 * One agent's stream, whatever carries it: opens the session with the first message, hands on those that follow, and
 * turns whatever ends it into one status. Its carrier reads, writes what the session has to say, and closes.
 */
export class AgentStream {
  readonly #options: AgentStreamOptions;
  readonly #access: Access;
  readonly #onReady: OnReady;
  #registerTimer: Timer | undefined;
  #open: OpenedSession | undefined;
  /** What ends the stream in place of the session's own reason. */
  #failure: StreamEnd | undefined;

  /** @param onReady called when there may be something to take, and when the stream has ended */
  constructor(options: AgentStreamOptions, access: Access, onReady: OnReady) {
    this.#options = options;
    this.#access = access;
    this.#onReady = onReady;
    const { runtime, registerTimeoutMs } = options;
    this.#registerTimer = runtime.setTimer(() => {
      const details = { limit: "registerTimeoutMs", value: String(registerTimeoutMs) };
      const problem = `no Register within ${registerTimeoutMs} ms; send it first`;
      this.fail(new LoomError("deadline_exceeded", problem, { details }));
    }, registerTimeoutMs);
  }

  /** Undefined until Register has come. */
  get opened(): OpenedSession | undefined {
    return this.#open;
  }

  /** The session as long as it takes something. */
  get session(): Session | undefined {
    return this.ended === undefined ? this.#open?.session : undefined;
  }

  get ended(): StreamEnd | undefined {
    if (this.#failure !== undefined) return this.#failure;
    const end = this.#open?.session.ended;
    if (end === undefined) return undefined;
    this.#failure = { error: end.error === undefined ? undefined : toConnectError(end.error, this.#options.logger) };
    return this.#failure;
  }

  /** Takes a message. What is wrong with it ends the stream. */
  receive(message: ClientEvent): void {
    if (this.ended !== undefined) return;
    try {
      if (this.#open !== undefined) return handleClientEvent(this.#open.session, message, this.#options.logger);
      this.#stopRegisterTimer();
      this.#open = openSession(message, this.#options, this.#access);
      this.#open.session.whenReady(this.#onReady);
      this.#onReady();
    } catch (error) {
      this.fail(error);
    }
  }

  /** The agent says no more; what it said is finished first. */
  async receiveEnd(): Promise<void> {
    if (this.#open !== undefined) return await this.#open.session.finish();
    this.fail(new LoomError("invalid_argument", "the stream ended before Register; send it first"));
  }

  /** Ends the stream with the status of an error. */
  fail(error: unknown): void {
    if (this.ended !== undefined) return;
    this.#stopRegisterTimer();
    if (this.#open !== undefined && LoomError.isInstance(error)) return this.#open.session.end(error);
    this.#failure = { error: toConnectError(error, this.#options.logger) };
    // A stream that broke is a lost connection: whatever it was, the agent may come back.
    this.#open?.session.end(new LoomError("unavailable", "the stream broke"));
    this.#onReady();
  }

  /** The carrier is gone. */
  close(): void {
    this.#stopRegisterTimer();
    this.#failure ??= { error: undefined };
    this.#open?.session.end(undefined);
    this.#onReady();
  }

  /** Resolves when the stream can take more messages: at once, unless publishes wait for slow subscribers. */
  readyForMore(): Promise<void> | undefined {
    return this.session?.readyForMore();
  }

  #stopRegisterTimer(): void {
    this.#registerTimer?.cancel();
    this.#registerTimer = undefined;
  }
}
