import { create } from "@bufbuild/protobuf";
import type { Runtime, Timer } from "@loom-bridge/protocol";
import { type ClientEvent, HeartbeatSchema } from "@loom-bridge/protocol/messages";
import { clientEvent } from "./client-event.ts";
import type { FrameSource } from "./outbox.ts";

/** After so many silent intervals the bridge is taken for lost. */
const silentIntervals = 3;

export interface HeartbeatOptions {
  readonly runtime: Runtime;
  readonly onBeat: () => void;
  readonly onSilence: (silentMs: number) => void;
}

/** Says at intervals that the client lives, and notices when the bridge no longer does. */
export class Heartbeat implements FrameSource {
  readonly #options: HeartbeatOptions;
  #timer: Timer | undefined;
  #due = false;
  #lastHeardMs = 0;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
  }

  /** `answered` says whether the bridge answers heartbeats; if it does not, its silence means nothing. */
  start(intervalMs: number, answered: boolean): void {
    this.stop();
    this.heard();
    const beat = (): void => {
      const silentMs = this.#options.runtime.monotonic() - this.#lastHeardMs;
      if (answered && silentMs >= silentIntervals * intervalMs) {
        this.#options.onSilence(silentMs);
        return;
      }
      this.#timer = this.#options.runtime.setTimer(beat, intervalMs);
      this.#due = true;
      this.#options.onBeat();
    };
    this.#timer = this.#options.runtime.setTimer(beat, intervalMs);
  }

  /** When something came last, on the monotonic clock. */
  get lastHeardMs(): number {
    return this.#lastHeardMs;
  }

  /** Notes that something came from the bridge. */
  heard(): void {
    this.#lastHeardMs = this.#options.runtime.monotonic();
  }

  stop(): void {
    this.#timer?.cancel();
  }

  take(): ClientEvent | undefined {
    if (!this.#due) return undefined;
    this.#due = false;
    return clientEvent("heartbeat", create(HeartbeatSchema, { timestampMs: BigInt(this.#options.runtime.now()) }));
  }
}
