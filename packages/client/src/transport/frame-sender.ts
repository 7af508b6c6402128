import type { Writable } from "node:stream";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { LoomError, limits } from "@loom-bridge/protocol";
import { ClientEventSchema } from "@loom-bridge/protocol/messages";
import { EnvelopeWriter } from "@loom-bridge/protocol/wire";
import type { FrameFeed, MayFeed } from "../connection/frame-feed.ts";
import { writeClientEvent } from "../wire/write-client-event.ts";

/** A message, or what one is made of. */
export type Frame = MessageInitShape<typeof ClientEventSchema>;

/** What is gathered for one write at most, but for a frame that is larger by itself. */
const writeBytes = 65_536;
const settled = Promise.resolve();

/**
 * Sends the frames of a stream: what is ready in one turn of the event loop goes out in one write. While the network
 * takes no more, no frame is asked for, so that what waits is what its source bounds.
 */
export class FrameSender {
  readonly #stream: Writable;
  readonly #feed: FrameFeed | undefined;
  readonly #frames: AsyncIterator<Frame>;
  readonly #writer = new EnvelopeWriter(limits.messageBytes);
  #hasRoom = true;
  #onRoom = (): void => {};
  #isScheduled = false;
  #stopped = false;

  constructor(stream: Writable, frames: AsyncIterable<Frame> & MayFeed) {
    this.#stream = stream;
    this.#feed = frames.feed;
    this.#frames = frames[Symbol.asyncIterator]();
    stream.on("drain", () => {
      this.#hasRoom = true;
      this.#onRoom();
    });
  }

  /**
   * Sends until there are no more frames.
   * @throws ConnectError or LoomError for a frame that cannot be encoded, and what the source of the frames throws
   */
  run(): Promise<void> {
    return this.#feed === undefined ? this.#iterate() : this.#sendFeed(this.#feed);
  }

  async #iterate(): Promise<void> {
    for (;;) {
      const { done, value } = await this.#frames.next();
      if (this.#stopped) return;
      if (done === true) break;
      encode(this.#writer, value);
      if (!this.#hasRoom) await this.#room();
      this.#encoded();
    }
    this.#end();
  }

  /** What comes in one turn is taken together, so that a frame costs no promise. */
  #sendFeed(feed: FrameFeed): Promise<void> {
    return new Promise((resolve, reject) => {
      let isDue = false;
      const send = (): void => {
        isDue = false;
        try {
          if (this.#sendReady(feed)) resolve();
        } catch (error) {
          reject(error as Error);
        }
      };
      const sendSoon = (): void => {
        if (isDue) return;
        isDue = true;
        void settled.then(send);
      };
      this.#onRoom = sendSoon;
      feed.listen(sendSoon);
      sendSoon();
    });
  }

  /** Returns whether there is nothing more to send. */
  #sendReady(feed: FrameFeed): boolean {
    while (this.#hasRoom && !this.#stopped) {
      const frame = feed.take();
      if (frame === undefined) {
        if (feed.isOver) this.#end();
        return feed.isOver;
      }
      encode(this.#writer, frame);
      this.#encoded();
    }
    return this.#stopped;
  }

  /** Sends nothing more, and tells the source so. */
  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#onRoom();
    // The source may be an author's; how it ends concerns nobody any more.
    this.#frames.return?.().catch(() => {});
  }

  #encoded(): void {
    if (this.#writer.length >= writeBytes) this.#flush();
    else this.#flushSoon();
  }

  #end(): void {
    if (this.#writer.length > 0) this.#flush();
    this.#stream.end();
  }

  /** A tick begins when all promises have settled: then no frame is left that could be had at once. */
  #flushSoon(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    process.nextTick(() => {
      this.#isScheduled = false;
      if (this.#writer.length > 0 && this.#hasRoom) this.#flush();
    });
  }

  #flush(): void {
    const bytes = this.#writer.take();
    if (!this.#stopped) this.#hasRoom = this.#stream.write(bytes);
  }

  #room(): Promise<void> {
    return new Promise((resolve) => {
      this.#onRoom = resolve;
    });
  }
}

function encode(writer: EnvelopeWriter, frame: Frame): void {
  try {
    writeClientEvent(writer, create(ClientEventSchema, frame));
  } catch (error) {
    if (LoomError.isInstance(error)) throw error;
    throw new ConnectError(
      `serialize binary: ${error instanceof Error ? error.message : String(error)}`,
      Code.Internal,
    );
  }
}
