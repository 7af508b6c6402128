import type { IncomingMessage } from "node:http";
import type { Http2ServerRequest } from "node:http2";
import { type ContextKey, createContextKey } from "@connectrpc/connect";
import type { InboundRate } from "./inbound-rate.ts";
import type { CollectedMessage, MessageCollector } from "./message-collector.ts";
import type { MessageInspector } from "./message-inspector.ts";

/** The bytes of a request, for one reader. */
export interface RequestBody extends AsyncIterable<Uint8Array> {
  /** Makes the read in hand, and every later one, fail with the signal's reason once it aborts. */
  endWith(signal: AbortSignal): void;
}

export interface RequestBodyOptions {
  readonly collector: MessageCollector;
  readonly inspect: MessageInspector;
  /** How fast messages may come. */
  readonly rate: InboundRate;
}

/** Where a call finds its body before Connect begins to read it. */
export const requestBodyKey: ContextKey<RequestBody | undefined> = createContextKey<RequestBody | undefined>(undefined);

type Result = IteratorResult<Uint8Array, undefined>;

const done: Result = { done: true, value: undefined };

/**
 * Reads a request, one whole message at a time. Unlike the iterator of Node's streams, a read that waits for the client
 * can be ended from outside: Connect only aborts a signal when the deadline passes or the client leaves, and a handler
 * that waits for a message would not notice.
 */
export function createRequestBody(
  request: IncomingMessage | Http2ServerRequest,
  { collector, inspect, rate }: RequestBodyOptions,
): RequestBody {
  let ended = false;
  let finished = false;
  /** What ends every read from now on. */
  let failure: { readonly reason: unknown } | undefined;
  /** What ends the reads once the messages before it are taken. */
  let broken: { readonly reason: unknown } | undefined;
  let reading: { resolve(result: Result): void; reject(reason: unknown): void } | undefined;
  /** Whether the message in hand is being unpacked, or its time has not come. */
  let busy = false;

  function fail(reason: unknown): void {
    failure ??= { reason };
    reading?.reject(failure.reason);
    reading = undefined;
  }

  function give(result: Result): void {
    busy = false;
    reading?.resolve(result);
    reading = undefined;
  }

  /** Takes what can be had without waiting. */
  function poll(): CollectedMessage | "end" | undefined {
    for (;;) {
      const message = collector.take();
      if (message !== undefined) return message;
      if (broken !== undefined) throw broken.reason;
      const chunk = request.read() as Uint8Array | null;
      if (chunk === null) {
        if (!ended) return undefined;
        collector.end();
        return collector.take() ?? "end";
      }
      try {
        collector.push(chunk);
      } catch (reason) {
        broken = { reason };
      }
    }
  }

  function passOn(message: CollectedMessage): void {
    busy = true;
    const hand = (value: Uint8Array): void => rate.spend(message.bytes.length, () => give({ done: false, value }));
    const inspected = inspect(message);
    if (inspected instanceof Promise) inspected.then(hand, fail);
    else hand(inspected);
  }

  function wake(): void {
    if (reading === undefined || busy) return;
    if (failure !== undefined) return fail(failure.reason);
    try {
      const polled = poll();
      if (polled === undefined) return;
      if (polled !== "end") return passOn(polled);
      // Connect says what is wrong with half a message.
      const { rest } = collector;
      const isLast = finished || rest.length === 0;
      finished = true;
      give(isLast ? done : { done: false, value: rest });
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
