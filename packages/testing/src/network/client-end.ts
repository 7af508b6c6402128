import type { UniversalClientResponse } from "@connectrpc/connect/protocol";
import { Wakeup } from "@loom-bridge/protocol";
import type { Call, CallEnd } from "./call.ts";
import type { Item } from "./channel.ts";
import { splitEnvelopes, toEnvelope } from "./split-envelopes.ts";

/** The client's end of a call, as Connect wants to have it. */
export class ClientEnd implements CallEnd {
  readonly #call: Call;
  readonly #arrived: Uint8Array[] = [];
  readonly #changed = new Wakeup();
  readonly #room = new Wakeup();
  readonly #trailers = new Headers();
  readonly #response = Promise.withResolvers<UniversalClientResponse>();
  #end: { readonly error?: Error } | undefined;

  constructor(call: Call) {
    this.#call = call;
    call.client = this;
    // Whoever gave the call up may not look at its response any more.
    this.#response.promise.catch(() => {});
  }

  /** Resolves when the headers of the response have come. */
  get response(): Promise<UniversalClientResponse> {
    return this.#response.promise;
  }

  /** Sends what the client says, as fast as the window allows, until the call is over. */
  async say(body: AsyncIterable<Uint8Array>): Promise<void> {
    const source = body[Symbol.asyncIterator]();
    const call = this.#call;
    try {
      while (this.#end === undefined) {
        const { done, value } = await source.next();
        if (done) return call.send("up", { kind: "end", trailers: new Headers() });
        for (const message of splitEnvelopes(value)) call.sendMessage("up", message);
        while (this.#end === undefined && !call.channel("up").hasRoom) await this.#room.wait();
      }
    } catch (error) {
      this.giveUp(error as Error);
    }
    await source.return?.();
  }

  giveUp(reason: Error): void {
    this.#finish({ error: reason });
    this.#call.abandon(reason);
  }

  onItem(item: Item): void {
    switch (item.kind) {
      case "headers":
        this.#response.resolve({ status: 200, header: item.headers, trailer: this.#trailers, body: this.#body() });
        break;
      case "message":
        this.#arrived.push(item.bytes);
        this.#changed.wake();
        break;
      case "end":
        item.trailers.forEach((value, key) => this.#trailers.set(key, value));
        this.#finish({});
        break;
      case "reset":
        // A connection that breaks takes along what was not read.
        this.#arrived.length = 0;
        this.#finish({ error: item.reason });
        break;
    }
  }

  onRoom(): void {
    this.#room.wake();
  }

  #finish(end: { readonly error?: Error }): void {
    this.#end ??= end;
    if (this.#end.error !== undefined) this.#response.reject(this.#end.error);
    this.#changed.wake();
    this.#room.wake();
  }

  #body(): AsyncIterable<Uint8Array> {
    return {
      [Symbol.asyncIterator]: () => ({
        next: () => this.#next(),
        return: async () => {
          this.giveUp(new Error("the client reads no more"));
          return { done: true, value: undefined };
        },
        // Connect aborts a body by throwing into it.
        throw: async (error: Error) => {
          this.giveUp(error);
          throw error;
        },
      }),
    };
  }

  async #next(): Promise<IteratorResult<Uint8Array, undefined>> {
    for (;;) {
      const message = this.#arrived.shift();
      if (message !== undefined) {
        this.#call.channel("down").taken(message.length);
        return { done: false, value: toEnvelope(message) };
      }
      if (this.#end?.error !== undefined) throw this.#end.error;
      if (this.#end !== undefined) return { done: true, value: undefined };
      await this.#changed.wait();
    }
  }
}
