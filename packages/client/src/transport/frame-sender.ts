import type { Writable } from "node:stream";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { LoomError, limits } from "@loom-bridge/protocol";
import { ClientEventSchema } from "@loom-bridge/protocol/messages";
import { EnvelopeWriter } from "@loom-bridge/protocol/wire";
import { writeClientEvent } from "../wire/write-client-event.ts";

/** A message, or what one is made of. */
export type Frame = MessageInitShape<typeof ClientEventSchema>;

/** What is gathered for one write at most, but for a frame that is larger by itself. */
const writeBytes = 65_536;

/**
 * Sends the frames of a stream: what is ready in one turn of the event loop goes out in one write. While the network
 * takes no more, no frame is asked for, so that what waits is what its source bounds.
 */
export class FrameSender {
  readonly #stream: Writable;
  readonly #frames: AsyncIterator<Frame>;
  readonly #writer = new EnvelopeWriter(limits.messageBytes);
  #hasRoom = true;
  #onRoom = (): void => {};
  #isScheduled = false;
  #stopped = false;

  constructor(stream: Writable, frames: AsyncIterator<Frame>) {
    this.#stream = stream;
    this.#frames = frames;
    stream.on("drain", () => {
      this.#hasRoom = true;
      this.#onRoom();
    });
  }

  /**
   * Sends until there are no more frames.
   * @throws ConnectError or LoomError for a frame that cannot be encoded, and what the source of the frames throws
   */
  async run(): Promise<void> {
    for (;;) {
      const { done, value } = await this.#frames.next();
      if (this.#stopped) return;
      if (done === true) break;
      encode(this.#writer, value);
      if (!this.#hasRoom) await this.#room();
      if (this.#writer.length >= writeBytes) this.#flush();
      else this.#flushSoon();
    }
    if (this.#writer.length > 0) this.#flush();
    this.#stream.end();
  }

  /** Sends nothing more, and tells the source so. */
  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#onRoom();
    // The source may be an author's; how it ends concerns nobody any more.
    this.#frames.return?.().catch(() => {});
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
