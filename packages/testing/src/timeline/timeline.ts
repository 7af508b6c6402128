import { formatElapsed } from "../clock/duration.ts";
import type { Frame } from "../network/frame.ts";
import { describeFrame } from "./describe-frame.ts";

/** Something that happened besides messages. */
interface Note {
  readonly atMs: number;
  readonly text: string;
}

/** What the recorder keeps: the newest. A world that made more has lost its beginning by then. */
const maxEntries = 20_000;
const maxBytes = 16 * 1_048_576;

/** Everything that happened in a world, in order. */
export class Timeline {
  readonly nowMs: () => number;
  #entries: (Frame | Note)[] = [];
  #bytes = 0;
  #count = 0;

  constructor(nowMs: () => number) {
    this.nowMs = nowMs;
  }

  /** How much was added so far, what is forgotten included. */
  get count(): number {
    return this.#count;
  }

  /** The messages, oldest first, as far as they are kept. */
  get frames(): Frame[] {
    return this.#entries.filter((entry) => isFrame(entry));
  }

  addFrame(frame: Frame): void {
    this.#bytes += frame.bytes.length;
    this.#add(frame);
  }

  note(text: string): void {
    this.#add({ atMs: this.nowMs(), text });
  }

  /** One line for each thing that happened, oldest first. */
  lines(): string[] {
    return this.#entries.map(lineOf);
  }

  /** The last lines, without the heartbeats. */
  lastLines(count: number): string[] {
    const lines: string[] = [];
    for (let at = this.#entries.length - 1; at >= 0 && lines.length < count; at -= 1) {
      const entry = this.#entries[at] as Frame | Note;
      if (!isFrame(entry) || !entry.kind.startsWith("heartbeat")) lines.unshift(lineOf(entry));
    }
    return lines;
  }

  toString(): string {
    return this.lines().join("\n");
  }

  #add(entry: Frame | Note): void {
    this.#count += 1;
    this.#entries.push(entry);
    // Half at once, so that it costs nothing each time.
    if (this.#entries.length <= 2 * maxEntries && this.#bytes <= 2 * maxBytes) return;
    this.#entries = this.#entries.slice(Math.ceil(this.#entries.length / 2));
    this.#bytes = this.frames.reduce((sum, { bytes }) => sum + bytes.length, 0);
  }
}

function isFrame(entry: Frame | Note): entry is Frame {
  return "bytes" in entry;
}

function lineOf(entry: Frame | Note): string {
  return isFrame(entry) ? frameLine(entry) : noteLine(entry);
}

function frameLine(frame: Frame): string {
  const { sentMs, arrivedMs, link, direction, outcome } = frame;
  const way = direction === "up" ? `${link} → bridge` : `${link} ← bridge`;
  const tookMs = arrivedMs === undefined ? 0 : arrivedMs - sentMs;
  const ends = [outcome, tookMs > 0 ? `took ${Math.round(tookMs)} ms` : ""].filter((end) => end !== "").join(", ");
  return `${formatElapsed(sentMs).padStart(10)}  ${way}  ${describeFrame(frame)}${ends === "" ? "" : `  [${ends}]`}`;
}

function noteLine({ atMs, text }: Note): string {
  return `${formatElapsed(atMs).padStart(10)}  ${text}`;
}
