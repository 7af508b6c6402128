import type {
  DescMessage,
  DescMethodStreaming,
  DescMethodUnary,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import type { Transport } from "@connectrpc/connect";
import { LoomError, type Runtime } from "@loom-bridge/protocol";
import { BridgeService } from "@loom-bridge/protocol/messages";
import { ConnectionError } from "../errors/connection-error.ts";
import { RequestTimeoutError } from "../errors/request-timeout-error.ts";
import { callUnary } from "./call-unary.ts";
import { MessageStream } from "./message-stream.ts";

export interface ConnectionOptions {
  readonly address: string;
  readonly transport: Transport;
  /** Closes what the transport holds open. */
  readonly closeTransport: () => Promise<void>;
  readonly headers: () => Promise<Headers>;
  /** The bridge refused the credentials; returns whether there may be others. */
  readonly renewCredentials: () => boolean;
  readonly runtime: Runtime;
  readonly connectTimeoutMs: number;
}

/** How long one call may take, and what ends it before. */
export interface CallOptions {
  /** Ends the call with `canceled`. */
  signal?: AbortSignal;
  /** How long to wait for the answer, in milliseconds. Default: 30 000. */
  timeoutMs?: number;
}

/** How long a call waits that names no time: as long as a tool call does. */
export const defaultCallTimeoutMs: number = 30_000;

/** The way to one bridge: opened at first use, verified, shared by all calls and streams. */
export class Connection {
  readonly #options: ConnectionOptions;
  #lifetime = new AbortController();
  #verified: Promise<void> | undefined;
  #disconnected = false;
  #generation = 0;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  /** Counts the connections that were given up. */
  get generation(): number {
    return this.#generation;
  }

  /**
   * Gives up a connection on which nothing comes any more, with all its calls: another attempt on it would wait as
   * well. Those who share it may ask for this together; it is done once.
   */
  async renew(generation: number): Promise<void> {
    if (this.#disconnected || generation !== this.#generation) return;
    this.#generation += 1;
    await this.#options.closeTransport();
  }

  connect(): Promise<void> {
    this.#disconnected = false;
    return this.#ensureVerified();
  }

  async disconnect(): Promise<void> {
    this.#disconnected = true;
    this.#verified = undefined;
    this.#lifetime.abort();
    this.#lifetime = new AbortController();
    await this.#options.closeTransport();
  }

  async unary<Input extends DescMessage, Output extends DescMessage>(
    method: DescMethodUnary<Input, Output>,
    input: MessageInitShape<Input>,
    options: CallOptions = {},
  ): Promise<MessageShape<Output>> {
    await this.#ensureVerified();
    return this.#call(method, input, options.timeoutMs ?? defaultCallTimeoutMs, options.signal);
  }

  stream<Input extends DescMessage, Output extends DescMessage>(
    method: DescMethodStreaming<Input, Output>,
    outbound: AsyncIterable<MessageInitShape<Input>>,
    signal?: AbortSignal,
  ): MessageStream<Input, Output> {
    return new MessageStream(this.#options.transport, {
      method,
      outbound,
      signal,
      address: this.#options.address,
      lifetime: () => this.#lifetime.signal,
      prepare: async () => {
        await this.#ensureVerified();
        return this.#options.headers();
      },
    });
  }

  #ensureVerified(): Promise<void> {
    if (this.#disconnected) {
      const message = "the client is disconnected; call connect() to use it again";
      return Promise.reject(new LoomError("failed_precondition", message));
    }
    this.#verified ??= this.#verify();
    return this.#verified;
  }

  async #verify(): Promise<void> {
    const { signal } = this.#lifetime;
    try {
      await this.#call(BridgeService.method.getInfo, {}, this.#options.connectTimeoutMs, undefined);
    } catch (error) {
      // A bridge that does not know the question is a bridge, an older one.
      if (LoomError.isInstance(error) && error.code === "unimplemented") return;
      // Else the next attempt would wait for the same socket, which may never open.
      if (!signal.aborted) await this.#options.closeTransport();
      if (!signal.aborted) this.#verified = undefined;
      throw this.#explain(error);
    }
  }

  renewCredentials(): boolean {
    return this.#options.renewCredentials();
  }

  /** The bridge asks who calls before it does anything, so whoever was refused may call again with other credentials. */
  async #call<Input extends DescMessage, Output extends DescMessage>(
    method: DescMethodUnary<Input, Output>,
    input: MessageInitShape<Input>,
    timeoutMs: number,
    signal: AbortSignal | undefined,
  ): Promise<MessageShape<Output>> {
    try {
      return await this.#callOnce(method, input, timeoutMs, signal);
    } catch (error) {
      const isRefused = LoomError.isInstance(error) && error.code === "unauthenticated";
      if (!isRefused || !this.renewCredentials()) throw error;
      return await this.#callOnce(method, input, timeoutMs, signal);
    }
  }

  async #callOnce<Input extends DescMessage, Output extends DescMessage>(
    method: DescMethodUnary<Input, Output>,
    input: MessageInitShape<Input>,
    timeoutMs: number,
    signal: AbortSignal | undefined,
  ): Promise<MessageShape<Output>> {
    const { transport, runtime, address } = this.#options;
    const lifetime = this.#lifetime.signal;
    const headers = await this.#options.headers();
    return callUnary(transport, runtime, { method, input, headers, timeoutMs, address, signals: [lifetime, signal] });
  }

  #explain(error: unknown): unknown {
    const { address } = this.#options;
    if (!(error instanceof ConnectionError || error instanceof RequestTimeoutError)) return error;
    const message =
      `no bridge answers at ${address}. Start one with "loom-bridge up", check host and port, ` +
      `or let "loom-bridge doctor" find out. (${error.rawMessage})`;
    return new ConnectionError(address, message, { cause: error });
  }
}
