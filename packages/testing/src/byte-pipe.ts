import { Wakeup } from "@loom-bridge/protocol";

export interface BytePipeOptions {
  /** How many bytes may be under way. A sender is stopped only when the window is full, as on an HTTP/2 stream. */
  readonly windowBytes: number;
  /** Ends both sides; what is under way is lost. */
  readonly signal: AbortSignal;
  /** Called once, when nothing more will be carried. */
  readonly onEnd?: () => void;
}

/**
 * Carries bytes from a sender to a receiver like one direction of an HTTP/2 stream: the sender runs ahead of the
 * receiver, but only as far as the window; what arrives is a copy; an error ends the receiver after what came before
 * it.
 */
export function createBytePipe(source: AsyncIterable<Uint8Array>, options: BytePipeOptions): AsyncIterable<Uint8Array> {
  const chunks: Uint8Array[] = [];
  const filled = new Wakeup();
  const emptied = new Wakeup();
  let bufferedBytes = 0;
  let end: { readonly error?: unknown } | undefined;

  const finish = (result: { readonly error?: unknown }): void => {
    if (end === undefined) options.onEnd?.();
    end ??= result;
    filled.wake();
    emptied.wake();
  };
  const onAbort = (): void => {
    chunks.length = 0;
    bufferedBytes = 0;
    finish({ error: options.signal.reason });
  };

  const pump = async (): Promise<void> => {
    options.signal.addEventListener("abort", onAbort);
    if (options.signal.aborted) onAbort();
    const sender = source[Symbol.asyncIterator]();
    try {
      while (end === undefined) {
        const { done, value } = await sender.next();
        if (done) return finish({});
        chunks.push(value.slice());
        bufferedBytes += value.byteLength;
        filled.wake();
        while (end === undefined && bufferedBytes >= options.windowBytes) await emptied.wait();
      }
    } catch (error) {
      finish({ error });
    } finally {
      options.signal.removeEventListener("abort", onAbort);
      await sender.return?.();
    }
  };

  let started = false;
  return {
    [Symbol.asyncIterator]: () => {
      if (!started) void pump();
      started = true;
      return {
        async next() {
          for (;;) {
            const chunk = chunks.shift();
            if (chunk !== undefined) {
              bufferedBytes -= chunk.byteLength;
              emptied.wake();
              return { done: false, value: chunk };
            }
            if (end !== undefined && "error" in end) throw end.error;
            if (end !== undefined) return { done: true, value: undefined };
            await filled.wait();
          }
        },
        async return() {
          finish({});
          return { done: true, value: undefined };
        },
        // Connect aborts a body by throwing into it.
        async throw(error: unknown) {
          finish({ error });
          throw error;
        },
      };
    },
  };
}
