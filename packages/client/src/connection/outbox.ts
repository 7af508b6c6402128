import type { Runtime } from "@loom-bridge/protocol";
import type { ClientEvent } from "@loom-bridge/protocol/messages";
import type { FrameFeed } from "./frame-feed.ts";

/** Something that may have a frame to send. */
export interface FrameSource {
  /** Returns the next frame and forgets it, or `undefined`. */
  take(): ClientEvent | undefined;
}

type Next = IteratorResult<ClientEvent, undefined>;

const end: Next = { done: true, value: undefined };

/**
 * The outbound half of a stream. Nothing is pushed into it: when the transport can take a frame, the sources are
 * asked in order, so that what is small and urgent never waits behind what is large.
 */
export class Outbox implements AsyncIterableIterator<ClientEvent>, FrameFeed {
  readonly #runtime: Runtime;
  readonly #sources: readonly FrameSource[];
  #reader: ((result: Next) => void) | undefined;
  #listener: (() => void) | undefined;
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

  get isOver(): boolean {
    return this.#ended || this.#ending;
  }

  /** In place of a reader that waits. */
  listen(callback: () => void): void {
    this.#listener = callback;
  }

  take(): ClientEvent | undefined {
    if (this.#ended) return undefined;
    for (const source of this.#sources) {
      const frame = source.take();
      if (frame !== undefined) return frame;
    }
    return undefined;
  }

  /** Says that a source has something. What one tick produces goes out together. */
  notify(): void {
    if (this.#notified) return;
    this.#notified = true;
    this.#runtime.defer(() => {
      this.#notified = false;
      this.#wake();
    });
  }

  /** Says that a source has something that somebody waits for: it goes out without what else this tick may produce. */
  hurry(): void {
    this.#wake();
  }

  /** Ends the stream once the sources are empty. */
  end(): void {
    this.#ending = true;
    this.#wake();
  }

  /** There is one reader, which waits for one frame at a time. */
  next(): Promise<Next> {
    const next = this.#next();
    if (next !== undefined) return Promise.resolve(next);
    return new Promise((resolve) => {
      this.#reader = resolve;
    });
  }

  return(): Promise<Next> {
    this.#ended = true;
    this.#wake();
    return Promise.resolve(end);
  }

  /** Gives a reader that waits what there is. A source may well have more to say when it is asked: by then, nobody waits. */
  #wake(): void {
    this.#listener?.();
    const reader = this.#reader;
    if (reader === undefined) return;
    this.#reader = undefined;
    const next = this.#next();
    if (next === undefined) this.#reader = reader;
    else reader(next);
  }

  #next(): Next | undefined {
    const frame = this.take();
    if (frame !== undefined) return { done: false, value: frame };
    return this.isOver ? end : undefined;
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
