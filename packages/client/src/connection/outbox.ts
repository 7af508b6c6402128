import { type Runtime, Wakeup } from "@loom-bridge/protocol";
import type { ClientEvent } from "@loom-bridge/protocol/messages";

/** Something that may have a frame to send. */
export interface FrameSource {
  /** Returns the next frame and forgets it, or `undefined`. */
  take(): ClientEvent | undefined;
}

/**
 * The outbound half of a stream. Nothing is pushed into it: when the transport can take a frame, the sources are
 * asked in order, so that what is small and urgent never waits behind what is large.
 */
export class Outbox implements AsyncIterableIterator<ClientEvent> {
  readonly #runtime: Runtime;
  readonly #sources: readonly FrameSource[];
  readonly #wakeup = new Wakeup();
  #notified = false;
  #ending = false;
  #ended = false;

  constructor(runtime: Runtime, sources: readonly FrameSource[]) {
    this.#runtime = runtime;
    this.#sources = sources;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Says that a source has something. What one tick produces goes out together. */
  notify(): void {
    if (this.#notified) return;
    this.#notified = true;
    this.#runtime.defer(() => {
      this.#notified = false;
      this.#wakeup.wake();
    });
  }

  /** Says that a source has something that somebody waits for: it goes out without what else this tick may produce. */
  hurry(): void {
    this.#wakeup.wake();
  }

  /** Ends the stream once the sources are empty. */
  end(): void {
    this.#ending = true;
    this.#wakeup.wake();
  }

  async next(): Promise<IteratorResult<ClientEvent, undefined>> {
    while (!this.#ended) {
      const frame = this.#take();
      if (frame !== undefined) return { done: false, value: frame };
      if (this.#ending) break;
      await this.#wakeup.wait();
    }
    return { done: true, value: undefined };
  }

  return(): Promise<IteratorResult<ClientEvent, undefined>> {
    this.#ended = true;
    this.#wakeup.wake();
    return Promise.resolve({ done: true, value: undefined });
  }

  #take(): ClientEvent | undefined {
    for (const source of this.#sources) {
      const frame = source.take();
      if (frame !== undefined) return frame;
    }
    return undefined;
  }
}

/** A source of a single frame. */
export class OneFrame implements FrameSource {
  #frame: ClientEvent | undefined;

  constructor(frame?: ClientEvent) {
    this.#frame = frame;
  }

  put(frame: ClientEvent): void {
    this.#frame = frame;
  }

  take(): ClientEvent | undefined {
    const frame = this.#frame;
    this.#frame = undefined;
    return frame;
  }
}
