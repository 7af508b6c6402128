import type { ClientEvent } from "@loom-bridge/protocol/messages";

/** Frames that can be had at once, where there are some: who sends them needs no promise for each. */
export interface FrameFeed {
  /** Returns the next frame, or `undefined` when there is none now. */
  take(): ClientEvent | undefined;
  /** After `take` had nothing: whether there will be nothing any more. */
  readonly isOver: boolean;
  /** Has `callback` called when there may be something to take, or it is over. There is one sender. */
  listen(callback: () => void): void;
}

/** What a stream sends, as a transport gets it: it may have a feed. */
export interface MayFeed {
  readonly feed?: FrameFeed | undefined;
}
