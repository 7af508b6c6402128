import type { DescMethod } from "@bufbuild/protobuf";
import { codecs } from "../network/codec.ts";
import { type Direction, Frame } from "../network/frame.ts";
import { methodOf } from "../network/methods.ts";
import { createNormalizer } from "./normalize.ts";

/** A call that is written down. */
export interface RecordedCall {
  readonly link: string;
  readonly number: number;
  readonly path: string;
}

/** One line of a transcript's file. */
export interface TranscriptLine {
  readonly link: string;
  readonly call: number;
  readonly path: string;
  readonly direction: Direction;
  /** What was said, with names for ids and times: what is compared, and for people to read. */
  readonly says: unknown;
  /** The message itself, in base64: what is replayed. */
  readonly bytes: string;
}

/** What agents and a bridge have said to each other, in order. As text it is one line of JSON a message. */
export class Transcript {
  readonly #frames: { readonly call: RecordedCall; readonly frame: Frame }[] = [];
  #calls = 0;

  static parse(text: string): Transcript {
    const transcript = new Transcript();
    const calls = new Map<number, RecordedCall>();
    for (const line of text.split("\n").filter((one) => one !== "")) {
      const { link, call: number, path, direction, bytes } = JSON.parse(line) as TranscriptLine;
      const call = calls.get(number) ?? transcript.#open(link, path);
      calls.set(number, call);
      transcript.add(call, direction, Buffer.from(bytes, "base64"));
    }
    return transcript;
  }

  get lines(): TranscriptLine[] {
    const normalize = createNormalizer();
    return this.#frames.map(({ call, frame }) => ({
      link: call.link,
      call: call.number,
      path: call.path,
      direction: frame.direction,
      says: normalize(frame),
      bytes: Buffer.from(frame.bytes).toString("base64"),
    }));
  }

  open(link: string, { parent, name }: DescMethod): RecordedCall {
    return this.#open(link, `/${parent.typeName}/${name}`);
  }

  add(call: RecordedCall, direction: Direction, bytes: Uint8Array): void {
    const { link, number, path } = call;
    const method = methodOf(path);
    const frame = new Frame({ link, direction, method, codec: codecs.proto, call: number, sentMs: 0, bytes });
    // Heartbeats tell of time, not of what is said.
    if (!frame.kind.startsWith("heartbeat")) this.#frames.push({ call, frame });
  }

  toString(): string {
    return this.lines.map((line) => `${JSON.stringify(line)}\n`).join("");
  }

  /** What is compared: each message, with names for ids and times. */
  toSpoken(): string[] {
    return this.lines.map(({ link, direction, says }) => {
      return `${link} ${direction === "up" ? "→" : "←"} ${JSON.stringify(says)}`;
    });
  }

  #open(link: string, path: string): RecordedCall {
    this.#calls += 1;
    return { link, number: this.#calls, path };
  }
}
