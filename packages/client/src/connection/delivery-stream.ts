import type { Transport } from "@connectrpc/connect";
import { LoomError } from "@loom-bridge/protocol";
import { BridgeService, type ClientEvent, type Delivery } from "@loom-bridge/protocol/messages";
import { fromConnectError } from "../errors/from-connect-error.ts";
import { linkSignals } from "./link-signals.ts";

export interface DeliveryStreamOptions {
  readonly outbound: AsyncIterable<ClientEvent>;
  /** Awaited before the call: connects if necessary, and makes the headers. */
  readonly prepare: () => Promise<Headers>;
  /** Aborts when the client disconnects, which ends the stream. */
  readonly lifetime: () => AbortSignal;
  /** The author's signal. It ends the stream with an error, `canceled`. */
  readonly signal: AbortSignal | undefined;
  readonly address: string;
}

/**
 * One call of BridgeService.Stream that opens when it is first read and can be read once. Connect's own response
 * iterable ignores `break`, and the call would go on unseen; here it really ends.
 */
export class DeliveryStream implements AsyncIterableIterator<Delivery> {
  readonly #transport: Transport;
  readonly #options: DeliveryStreamOptions;
  readonly #controller = new AbortController();
  #opening: Promise<AsyncIterator<Delivery>> | undefined;
  #unlink = (): void => {};
  #lifetime: AbortSignal | undefined;
  #ended = false;

  constructor(transport: Transport, options: DeliveryStreamOptions) {
    this.#transport = transport;
    this.#options = options;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Delivery, undefined>> {
    if (this.#ended) return { done: true, value: undefined };
    try {
      this.#opening ??= this.#open();
      const result = await (await this.#opening).next();
      if (result.done !== true) return result;
      this.#end();
    } catch (error) {
      const asked = this.#ended || this.#lifetime?.aborted === true;
      this.#end();
      if (!asked) throw this.#toLoomError(error);
    }
    return { done: true, value: undefined };
  }

  return(): Promise<IteratorResult<Delivery, undefined>> {
    this.#end();
    return Promise.resolve({ done: true, value: undefined });
  }

  async #open(): Promise<AsyncIterator<Delivery>> {
    const headers = await this.#options.prepare();
    this.#lifetime = this.#options.lifetime();
    this.#unlink = linkSignals(this.#controller, [this.#lifetime, this.#options.signal]);
    const { signal } = this.#controller;
    const outbound = new OutboundOnce(this.#options.outbound);
    // A time of 0: a stream has no deadline, whatever the transport's default is.
    const response = await this.#transport.stream(BridgeService.method.stream, signal, 0, headers, outbound);
    return response.message[Symbol.asyncIterator]();
  }

  #end(): void {
    this.#ended = true;
    this.#unlink();
    this.#controller.abort();
  }

  #toLoomError(error: unknown): LoomError {
    if (this.#options.signal?.aborted) {
      return new LoomError("canceled", "the stream was cancelled", { cause: this.#options.signal.reason });
    }
    return fromConnectError(error, "Stream", this.#options.address);
  }
}

/**
 * The author's iterable as Connect gets it. Connect asks for an iterator again when it gives up, and throws into it;
 * the author's iterable is started once, and is only ever asked to return.
 */
class OutboundOnce implements AsyncIterableIterator<ClientEvent> {
  readonly #source: AsyncIterator<ClientEvent>;
  #ended = false;

  constructor(outbound: AsyncIterable<ClientEvent>) {
    this.#source = outbound[Symbol.asyncIterator]();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<ClientEvent, undefined>> {
    return this.#ended ? Promise.resolve({ done: true, value: undefined }) : this.#source.next();
  }

  async return(): Promise<IteratorResult<ClientEvent, undefined>> {
    if (!this.#ended) {
      this.#ended = true;
      await this.#source.return?.();
    }
    return { done: true, value: undefined };
  }

  throw(): Promise<IteratorResult<ClientEvent, undefined>> {
    return this.return();
  }
}
