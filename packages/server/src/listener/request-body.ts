import type { IncomingMessage } from "node:http";
import type { Http2ServerRequest } from "node:http2";
import { type ContextKey, createContextKey } from "@connectrpc/connect";
import type { Reframer } from "./reframe.ts";

/** The bytes of a request, for one reader. */
export interface RequestBody extends AsyncIterable<Uint8Array> {
  /** Makes the read in hand, and every later one, fail with the signal's reason once it aborts. */
  endWith(signal: AbortSignal): void;
}

/** Where a call finds its body before Connect begins to read it. */
export const requestBodyKey: ContextKey<RequestBody | undefined> = createContextKey<RequestBody | undefined>(undefined);

type Result = IteratorResult<Uint8Array, undefined>;

const done: Result = { done: true, value: undefined };

/**
 * Reads a request. Unlike the iterator of Node's streams, a read that waits for the client can be ended from outside:
 * Connect only aborts a signal when the deadline passes or the client leaves, and a handler that waits for a message
 * would not notice.
 */
export function createRequestBody(request: IncomingMessage | Http2ServerRequest, reframer: Reframer): RequestBody {
  let ended = false;
  let failure: { readonly reason: unknown } | undefined;
  let reading: { resolve(result: Result): void; reject(reason: unknown): void } | undefined;

  function fail(reason: unknown): void {
    failure ??= { reason };
    reading?.reject(failure.reason);
    reading = undefined;
  }

  /** Returns what can be had without waiting. */
  function poll(): Result | undefined {
    for (let chunk = request.read() as Uint8Array | null; chunk !== null; chunk = request.read() as Uint8Array | null) {
      const piece = reframer.push(chunk);
      if (piece !== undefined) return { done: false, value: piece };
    }
    if (!ended) return undefined;
    const rest = reframer.flush();
    return rest === undefined ? done : { done: false, value: rest };
  }

  function wake(): void {
    if (reading === undefined) return;
    if (failure !== undefined) return fail(failure.reason);
    try {
      const result = poll();
      if (result === undefined) return;
      reading.resolve(result);
      reading = undefined;
    } catch (reason) {
      fail(reason);
    }
  }

  request.once("end", () => {
    ended = true;
    wake();
  });
  const iterator: AsyncIterator<Uint8Array, undefined> = {
    next: () =>
      new Promise((resolve, reject) => {
        reading = { resolve, reject };
        // Listening starts the flow of bytes, so it waits until somebody reads.
        if (request.listenerCount("readable") === 0) request.on("readable", wake);
        wake();
      }),
  };

  return {
    [Symbol.asyncIterator]: () => iterator,
    endWith(signal) {
      if (signal.aborted) fail(signal.reason);
      else signal.addEventListener("abort", () => fail(signal.reason), { once: true });
    },
  };
}
