import { acknowledged } from "../connection/settlement.ts";
import type { Envelope } from "./envelope.ts";
import { createEventContext, type HandlerParts } from "./event-context.ts";
import { retryDelayMs, Verdict } from "./event-settle.ts";
import type { InboxItem } from "./inbox.ts";
import type { EventHandler } from "./subscription-init.ts";
import type { EventInHand } from "./subscription-progress.ts";

/** For events that are delivered at most once: it has nothing to collect. */
const noVerdict = new Verdict(
  false,
  () => 0,
  () => {},
);

/** One event and the handler that it is for. */
export class HandlerRun implements InboxItem {
  readonly #parts: HandlerParts;
  readonly #handler: EventHandler;
  readonly #envelope: Envelope;
  readonly #item: EventInHand;
  /** Whether what comes of it settles the event. */
  readonly #settles: boolean;

  constructor(parts: HandlerParts, handler: EventHandler, envelope: Envelope, item: EventInHand, settles: boolean) {
    this.#parts = parts;
    this.#handler = handler;
    this.#envelope = envelope;
    this.#item = item;
    this.#settles = settles;
  }

  isDropped(): boolean {
    return this.#settles && this.#item.dropped;
  }

  /** Most handlers are done when they return; no promise is made for these. */
  handle(): Promise<void> | undefined {
    const verdict = this.#createVerdict();
    this.#item.started = true;
    try {
      const context = createEventContext(this.#parts, this.#envelope, verdict, this.#item.arrival.receivedMs);
      const handling = this.#handler(context, this.#envelope);
      if (isThenable(handling)) {
        return Promise.resolve(handling).then(
          () => this.#end(verdict),
          (error: unknown) => this.#fail(error, verdict),
        );
      }
      this.#end(verdict);
    } catch (error) {
      this.#fail(error, verdict);
    }
    return undefined;
  }

  #createVerdict(): Verdict {
    const item = this.#item;
    if (!item.isAtLeastOnce) return noVerdict;
    const delayMs = (): number => retryDelayMs(item.arrival.attempt, this.#parts.runtime.random());
    return new Verdict(true, delayMs, () => item.settle({ verdict: "working" }));
  }

  #fail(error: unknown, verdict: Verdict): void {
    this.#parts.onError(error, this.#envelope);
    if (this.#item.isAtLeastOnce && verdict.settlement === undefined) verdict.retry();
    this.#end(verdict);
  }

  #end(verdict: Verdict): void {
    if (this.#settles) this.#item.settle(verdict.settlement ?? acknowledged);
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === "function";
}
