import type { DescMessage, DescMethodStreaming, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import type { Transport } from "@connectrpc/connect";
import { LoomError } from "@loom-bridge/protocol";
import { fromConnectError } from "../errors/from-connect-error.ts";
import { forEachMessage, type MessageSource } from "./for-each-message.ts";
import type { FrameFeed, MayFeed } from "./frame-feed.ts";
import { linkSignals } from "./link-signals.ts";
import { Outbox } from "./outbox.ts";

export interface MessageStreamOptions<Input extends DescMessage, Output extends DescMessage> {
  readonly method: DescMethodStreaming<Input, Output>;
  readonly outbound: AsyncIterable<MessageInitShape<Input>>;
  /** Awaited before the call: connects if necessary, and makes the headers. */
  readonly prepare: () => Promise<Headers>;
  /** Aborts when the client disconnects, which ends the stream. */
  readonly lifetime: () => AbortSignal;
  /** The author's signal. It ends the stream with an error, `canceled`. */
  readonly signal: AbortSignal | undefined;
  readonly address: string;
}

/**
 * One streaming call that opens when it is first read and can be read once. Connect's own response
 * iterable ignores `break`, and the call would go on unseen; here it really ends.
 */
export class MessageStream<Input extends DescMessage, Output extends DescMessage>
  implements AsyncIterableIterator<MessageShape<Output>>, MessageSource<MessageShape<Output>>
{
  readonly #transport: Transport;
  readonly #options: MessageStreamOptions<Input, Output>;
  readonly #controller = new AbortController();
  #opening: Promise<AsyncIterator<MessageShape<Output>>> | undefined;
  #unlink = (): void => {};
  #lifetime: AbortSignal | undefined;
  #ended = false;

  constructor(transport: Transport, options: MessageStreamOptions<Input, Output>) {
    this.#transport = transport;
    this.#options = options;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<MessageShape<Output>, undefined>> {
    if (this.#ended) return { done: true, value: undefined };
    try {
      this.#opening ??= this.#open();
      const result = await (await this.#opening).next();
      if (result.done !== true) return result;
      this.#end();
    } catch (error) {
      this.#fail(error);
    }
    return { done: true, value: undefined };
  }

  /** Calls back with each message instead, until the end. */
  async forEach(onMessage: (message: MessageShape<Output>) => void): Promise<void> {
    if (this.#ended) return;
    try {
      this.#opening ??= this.#open();
      await forEachMessage(await this.#opening, onMessage);
      this.#end();
    } catch (error) {
      this.#fail(error);
    }
  }

  return(): Promise<IteratorResult<MessageShape<Output>, undefined>> {
    this.#end();
    return Promise.resolve({ done: true, value: undefined });
  }

  async #open(): Promise<AsyncIterator<MessageShape<Output>>> {
    const headers = await this.#options.prepare();
    this.#lifetime = this.#options.lifetime();
    this.#unlink = linkSignals(this.#controller, [this.#lifetime, this.#options.signal]);
    const { signal } = this.#controller;
    const { method } = this.#options;
    const outbound = new OutboundOnce(this.#options.outbound);
    // A time of 0: a stream has no deadline, whatever the transport's default is.
    const response = await this.#transport.stream(method, signal, 0, headers, outbound);
    return response.message[Symbol.asyncIterator]();
  }

  /** Ends the stream: with the error, unless it was to end. */
  #fail(error: unknown): void {
    const asked = this.#ended || this.#lifetime?.aborted === true;
    this.#end();
    if (!asked) throw this.#toLoomError(error);
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
    return fromConnectError(error, this.#options.method.name, this.#options.address);
  }
}

/**
 * The author's iterable as Connect gets it. Connect asks for an iterator again when it gives up, and throws into it;
 * the author's iterable is started once, and is only ever asked to return.
 */
class OutboundOnce<Message> implements AsyncIterableIterator<Message>, MayFeed {
  readonly feed: FrameFeed | undefined;
  readonly #source: AsyncIterator<Message>;
  #ended = false;

  constructor(outbound: AsyncIterable<Message>) {
    this.feed = outbound instanceof Outbox ? outbound : undefined;
    this.#source = outbound[Symbol.asyncIterator]();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Message, undefined>> {
    return this.#ended ? Promise.resolve({ done: true, value: undefined }) : this.#source.next();
  }

  async return(): Promise<IteratorResult<Message, undefined>> {
    if (!this.#ended) {
      this.#ended = true;
      await this.#source.return?.();
    }
    return { done: true, value: undefined };
  }

  throw(): Promise<IteratorResult<Message, undefined>> {
    return this.return();
  }
}
