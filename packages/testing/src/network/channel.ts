import type { Runtime } from "@loom-bridge/protocol";
import type { Frame } from "./frame.ts";
import type { Gate } from "./gate.ts";

/** What goes along one direction of a call, in order. */
export type Item =
  | { readonly kind: "headers"; readonly headers: Headers }
  | { readonly kind: "message"; readonly frame: Frame; readonly bytes: Uint8Array; readonly onArrived?: () => void }
  | { readonly kind: "end"; readonly trailers: Headers }
  | { readonly kind: "reset"; readonly reason: Error };

export interface ChannelOptions {
  /** Whose turn a delivery takes. */
  readonly runtime: Runtime;
  /** How many bytes may be sent and not taken, as on an HTTP/2 stream. */
  readonly windowBytes: number;
  /** What the faults do to everything on this direction of the link. */
  readonly gate: Gate;
  /** Deliver one message a turn, so that others may come between. */
  readonly isStepwise: boolean;
  /** Takes what arrives. */
  readonly onItem: (item: Item) => void;
  /** The window is full. */
  readonly onFull: () => void;
  /** There is room again. */
  readonly onRoom: () => void;
}

interface Sent {
  readonly item: Item;
  readonly dueMs: number;
}

/**
 * One direction of a call. The sender runs ahead of the receiver, but only as far as the window; what arrives is a
 * copy, and arrives in order and in a turn of its own.
 */
export class Channel {
  readonly #options: ChannelOptions;
  readonly #line: Sent[] = [];
  #lastDueMs = Number.NEGATIVE_INFINITY;
  #unreadBytes = 0;
  #isArranged = false;
  #isPaused = false;
  #isClosed = false;
  #wasFull = false;

  constructor(options: ChannelOptions) {
    this.#options = options;
  }

  /** Bytes that were sent and not taken yet. */
  get unreadBytes(): number {
    return this.#unreadBytes;
  }

  /** Messages that were sent and did not arrive yet. */
  get messagesUnderWay(): number {
    return this.#line.length;
  }

  get hasRoom(): boolean {
    if (this.#wasFull || this.#unreadBytes < this.#options.windowBytes) return !this.#wasFull;
    this.#wasFull = true;
    this.#options.onFull();
    return false;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  send(item: Item): void {
    if (this.#isClosed) return;
    const { runtime, gate } = this.#options;
    const earliestMs = item.kind === "message" ? this.#lastDueMs + gate.intervalMs : this.#lastDueMs;
    const dueMs = Math.max(earliestMs, runtime.monotonic() + gate.delayMs());
    this.#lastDueMs = dueMs;
    if (item.kind === "message") this.#unreadBytes += item.bytes.length;
    this.#line.push({ item, dueMs });
    this.arrange();
  }

  /** Says that the receiver has taken so many bytes, and makes room for more. */
  taken(bytes: number): void {
    this.#unreadBytes -= bytes;
    if (this.#wasFull && this.#unreadBytes < this.#options.windowBytes) {
      this.#wasFull = false;
      this.#options.onRoom();
    }
  }

  /** Delivers nothing until `resume`. */
  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.arrange();
  }

  /** Has the next delivery done when it is due. Called again when a gate opens. */
  arrange(): void {
    const next = this.#line[0];
    if (next === undefined || this.#isArranged || this.#isPaused || this.#isClosed || this.#options.gate.isHeld) return;
    this.#isArranged = true;
    const { runtime } = this.#options;
    const waitMs = next.dueMs - runtime.monotonic();
    if (waitMs <= 0) runtime.defer(this.#deliver);
    else runtime.setTimer(this.#deliver, waitMs);
  }

  /** Carries nothing any more; what is under way is lost. */
  close(): void {
    this.#isClosed = true;
    for (const { item } of this.#line) if (item.kind === "message") item.frame.outcome = "lost with the connection";
    this.#line.length = 0;
  }

  readonly #deliver = (): void => {
    this.#isArranged = false;
    const { runtime, onItem, isStepwise, gate } = this.#options;
    const nowMs = runtime.monotonic();
    while (!this.#isPaused && !this.#isClosed && !gate.isHeld) {
      const next = this.#line[0];
      if (next === undefined || next.dueMs > nowMs) break;
      this.#line.shift();
      if (next.item.kind === "message") next.item.frame.arrivedMs = nowMs;
      onItem(next.item);
      if (next.item.kind === "message") next.item.onArrived?.();
      if (isStepwise) break;
    }
    this.arrange();
  };
}
