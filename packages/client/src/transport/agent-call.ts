import { type ClientHttp2Stream, constants } from "node:http2";
import { Code, ConnectError } from "@connectrpc/connect";
import { validateTrailer } from "@connectrpc/connect/protocol-grpc";
import { limits } from "@loom-bridge/protocol";
import type { Delivery } from "@loom-bridge/protocol/messages";
import { MessageSplitter } from "@loom-bridge/protocol/wire";
import { createDeferred, type Deferred } from "../connection/deferred.ts";
import type { MessageSource } from "../connection/for-each-message.ts";
import type { MayFeed } from "../connection/frame-feed.ts";
import { DeliveryDecoder } from "../wire/delivery-decoder.ts";
import { type Frame, FrameSender } from "./frame-sender.ts";
import { checkHead, resetError, toHeaders } from "./grpc-response.ts";

export interface AgentCallOptions {
  readonly open: () => Promise<ClientHttp2Stream>;
  readonly input: AsyncIterable<Frame> & MayFeed;
  /** Ends the call as cancelled. */
  readonly signal: AbortSignal | undefined;
}

/** From so many messages that nobody has read, the bridge is stopped. */
const maxUnread = 64;

type Result = IteratorResult<Delivery, undefined>;

/**
 * One call of `BridgeService.Stream` on a stream of node:http2: sends frames and reads messages, each without more
 * steps than it needs. https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
 */
export class AgentCall implements AsyncIterableIterator<Delivery>, MessageSource<Delivery> {
  readonly trailer: Headers = new Headers();
  readonly #options: AgentCallOptions;
  readonly #header = createDeferred<Headers>();
  readonly #decoder = new DeliveryDecoder();
  readonly #splitter: MessageSplitter;
  readonly #onAbort: () => void;
  #stream: ClientHttp2Stream | undefined;
  #sender: FrameSender | undefined;
  #unread: Delivery[] = [];
  #next = 0;
  #reader: Deferred<Result> | undefined;
  #onMessage: ((message: Delivery) => void) | undefined;
  /** The bridge has said all; some of it may not have been read. */
  #inputEnded = false;
  #end: { readonly error: Error | undefined } | undefined;

  constructor(options: AgentCallOptions) {
    this.#options = options;
    const { signal } = options;
    this.#splitter = new MessageSplitter({
      maxBytes: limits.messageBytes,
      onMessage: (message) => this.#receive(this.#decoder.decode(message)),
    });
    this.#onAbort = (): void => this.#fail(ConnectError.from(signal?.reason, Code.Canceled));
    signal?.addEventListener("abort", this.#onAbort);
    if (signal?.aborted === true) this.#onAbort();
    else void this.#open();
  }

  /** Resolves when the bridge answers. */
  get header(): Promise<Headers> {
    return this.#header.promise;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<Result> {
    if (this.#next === this.#unread.length) this.#readOn();
    const value = this.#unread[this.#next];
    if (value !== undefined) {
      this.#next += 1;
      return Promise.resolve({ done: false, value });
    }
    if (this.#end === undefined) {
      this.#reader = createDeferred();
      return this.#reader.promise;
    }
    const { error } = this.#end;
    return error === undefined ? Promise.resolve({ done: true, value: undefined }) : Promise.reject(error);
  }

  async forEach(onMessage: (message: Delivery) => void): Promise<void> {
    const unread = this.#unread.slice(this.#next);
    this.#next = this.#unread.length;
    this.#onMessage = onMessage;
    this.#guard(() => {
      for (const message of unread) onMessage(message);
    });
    await this.next();
  }

  return(): Promise<Result> {
    this.#fail(new ConnectError("the stream was left", Code.Canceled));
    return Promise.resolve({ done: true, value: undefined });
  }

  async #open(): Promise<void> {
    try {
      const stream = await this.#options.open();
      if (this.#end !== undefined) return stream.close(constants.NGHTTP2_CANCEL);
      this.#stream = stream;
      this.#listen(stream);
      this.#sender = new FrameSender(stream, this.#options.input);
      await this.#sender.run();
    } catch (error) {
      this.#fail(error);
    }
  }

  #listen(stream: ClientHttp2Stream): void {
    stream.on("response", (headers) => {
      this.#guard(() => {
        if (checkHead(headers)) this.trailer.set("grpc-status", "0");
        this.#header.resolve(toHeaders(headers));
      });
    });
    stream.on("trailers", (trailers) => {
      for (const [name, value] of toHeaders(trailers)) this.trailer.set(name, value);
    });
    stream.on("data", (chunk: Buffer) => this.#guard(() => this.#splitter.push(chunk)));
    stream.once("end", () => {
      // Node ends a stream that was reset, too.
      if (stream.closed && !this.trailer.has("grpc-status")) return;
      this.#inputEnded = true;
      if (!this.#splitter.paused) this.#guard(() => this.#finish());
    });
    stream.on("error", (error) => this.#fail(ConnectError.from(error, Code.Unavailable)));
    stream.once("close", () => {
      if (this.#inputEnded) return;
      if (this.trailer.has("grpc-status")) this.#guard(() => this.#finish());
      else this.#fail(resetError(stream.rstCode));
    });
  }

  #receive(message: Delivery): void {
    if (this.#end !== undefined) return;
    if (this.#onMessage !== undefined) return this.#onMessage(message);
    const reader = this.#reader;
    if (reader !== undefined) {
      this.#reader = undefined;
      return reader.resolve({ done: false, value: message });
    }
    this.#unread.push(message);
    if (this.#unread.length < maxUnread) return;
    this.#splitter.pause();
    this.#stream?.pause();
  }

  /** All that had come was read. */
  #readOn(): void {
    this.#unread = [];
    this.#next = 0;
    if (!this.#splitter.paused || this.#end !== undefined) return;
    this.#guard(() => {
      if (!this.#splitter.resume()) return;
      this.#stream?.resume();
      if (this.#inputEnded) this.#finish();
    });
  }

  /** The bridge has ended the call: with OK, or it throws. */
  #finish(): void {
    if (this.#splitter.incomplete) throw new ConnectError("protocol error: incomplete message", Code.DataLoss);
    validateTrailer(this.trailer, new Headers());
    this.#close(undefined);
  }

  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    if (this.#end !== undefined) return;
    this.#stream?.close(constants.NGHTTP2_CANCEL);
    // Authors bring frames, and may throw anything.
    this.#close(error instanceof Error ? error : new Error(String(error), { cause: error }));
  }

  #close(error: Error | undefined): void {
    this.#end = { error };
    this.#options.signal?.removeEventListener("abort", this.#onAbort);
    this.#sender?.stop();
    this.#stream?.end();
    this.#header.reject(error);
    if (error === undefined) this.#reader?.resolve({ done: true, value: undefined });
    else this.#reader?.reject(error);
  }
}
