import type { DescMessage, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { findTrailerError, validateResponse } from "@connectrpc/connect/protocol-grpc";
import { limits, Wakeup } from "@loom-bridge/protocol";
import type { Call, CallEnd } from "./call.ts";
import type { Item } from "./channel.ts";
import type { Codec } from "./codec.ts";

export interface ClientCallOptions<Input extends DescMessage, Output extends DescMessage> {
  readonly call: Call;
  readonly codec: Codec;
  readonly input: Input;
  readonly output: Output;
  readonly headers: Headers;
  /** Ends the call as cancelled. */
  readonly signal: AbortSignal | undefined;
}

type Result<Output extends DescMessage> = IteratorResult<MessageShape<Output>, undefined>;

/**
 * The client's end of a call. What Connect would do with it, without Connect's iterators, which cost more than
 * everything else that a message needs. What the client has not read fills the window.
 */
export class ClientCall<Input extends DescMessage, Output extends DescMessage>
  implements CallEnd, AsyncIterableIterator<MessageShape<Output>>
{
  readonly trailer: Headers = new Headers();
  readonly #options: ClientCallOptions<Input, Output>;
  readonly #header = Promise.withResolvers<Headers>();
  readonly #room = new Wakeup();
  readonly #arrived: Uint8Array[] = [];
  #source: AsyncIterator<MessageInitShape<Input>> | undefined;
  #reader: PromiseWithResolvers<Result<Output>> | undefined;
  #end: { readonly error: ConnectError | undefined } | undefined;

  constructor(options: ClientCallOptions<Input, Output>) {
    this.#options = options;
    const { call, headers, signal } = options;
    call.client = this;
    // Whoever gave the call up may not look at its response any more.
    this.#header.promise.catch(() => {});
    call.send("up", { kind: "headers", headers });
    signal?.addEventListener("abort", this.#onAbort);
    if (signal?.aborted === true) this.#onAbort();
  }

  /** Resolves when the headers of the response have come. */
  get header(): Promise<Headers> {
    return this.#header.promise;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Says all that there is to say. */
  sayOnce(message: Uint8Array): void {
    if (this.#end !== undefined) return;
    this.#options.call.sendMessage("up", message);
    this.#sayEnd();
  }

  /** Says what comes, as fast as the window allows, until the call is over. */
  async sayAll(messages: AsyncIterable<MessageInitShape<Input>>): Promise<void> {
    const { call, codec, input } = this.#options;
    try {
      this.#source = messages[Symbol.asyncIterator]();
      while (this.#end === undefined) {
        const { done, value } = await this.#source.next();
        if (this.#end !== undefined) break;
        if (done === true) return this.#sayEnd();
        call.sendMessage("up", encode(codec, input, value));
        while (this.#end === undefined && !call.channel("up").hasRoom) await this.#room.wait();
      }
    } catch (error) {
      this.#giveUp(error);
    }
  }

  next(): Promise<Result<Output>> {
    const bytes = this.#arrived.shift();
    if (bytes !== undefined) return this.#take(bytes);
    if (this.#end === undefined) {
      this.#reader ??= Promise.withResolvers();
      return this.#reader.promise;
    }
    const { error } = this.#end;
    return error === undefined ? Promise.resolve({ done: true, value: undefined }) : Promise.reject(error);
  }

  return(): Promise<Result<Output>> {
    this.#giveUp(new ConnectError("the client reads no more", Code.Canceled));
    return Promise.resolve({ done: true, value: undefined });
  }

  onItem(item: Item): void {
    switch (item.kind) {
      case "headers":
        this.#headersCame(item.headers);
        break;
      case "message": {
        const reader = this.#reader;
        this.#reader = undefined;
        if (reader === undefined) this.#arrived.push(item.bytes);
        else reader.resolve(this.#take(item.bytes));
        break;
      }
      case "end":
        item.trailers.forEach((value, key) => this.trailer.set(key, value));
        this.#finish(findTrailerError(item.trailers));
        break;
      case "reset":
        // A connection that breaks takes along what was not read.
        this.#arrived.length = 0;
        this.#finish(ConnectError.from(item.reason));
        break;
    }
  }

  onRoom(): void {
    this.#room.wake();
  }

  #sayEnd(): void {
    this.#options.call.send("up", { kind: "end", trailers: new Headers() });
  }

  #headersCame(headers: Headers): void {
    try {
      validateResponse(200, headers);
      this.#header.resolve(headers);
    } catch (error) {
      this.#giveUp(error);
    }
  }

  #take(bytes: Uint8Array): Promise<Result<Output>> {
    const { call, codec, output } = this.#options;
    call.channel("down").taken(bytes.length);
    try {
      return Promise.resolve({ done: false, value: codec.decode(output, bytes) });
    } catch (cause) {
      const error = new ConnectError(
        `parse ${codec.name}: ${String(cause)}`,
        Code.Internal,
        undefined,
        undefined,
        cause,
      );
      this.#giveUp(error);
      return Promise.reject(error);
    }
  }

  readonly #onAbort = (): void => this.#giveUp(ConnectError.from(this.#options.signal?.reason, Code.Canceled));

  #giveUp(error: unknown): void {
    if (this.#end !== undefined) return;
    const reason = ConnectError.from(error);
    this.#arrived.length = 0;
    this.#finish(reason);
    this.#options.call.abandon(reason);
  }

  #finish(error: ConnectError | undefined): void {
    if (this.#end !== undefined) return;
    this.#end = { error };
    this.#options.signal?.removeEventListener("abort", this.#onAbort);
    if (error === undefined) this.#reader?.resolve({ done: true, value: undefined });
    else this.#reader?.reject(error);
    // Harmless when the headers have come.
    this.#header.reject(error ?? new ConnectError("the response has no headers", Code.Internal));
    this.#room.wake();
    // The source may be an author's; how it ends concerns nobody any more.
    this.#source?.return?.()?.catch(() => {});
  }
}

/** @throws ConnectError for a message that is none, or too large */
export function encode<Desc extends DescMessage>(
  codec: Codec,
  schema: Desc,
  message: MessageInitShape<Desc>,
): Uint8Array {
  let bytes: Uint8Array;
  try {
    bytes = codec.encode(schema, message);
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : String(cause);
    throw new ConnectError(`serialize ${codec.name}: ${text}`, Code.Internal, undefined, undefined, cause);
  }
  if (bytes.length <= limits.messageBytes) return bytes;
  const text = `message size ${bytes.length} is larger than configured writeMaxBytes ${limits.messageBytes}`;
  throw new ConnectError(text, Code.ResourceExhausted);
}
