import type { DescMessage } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { findTrailerError, setTrailerStatus } from "@connectrpc/connect/protocol-grpc";
import type { Runtime } from "@loom-bridge/protocol";
import type { FaultNetwork } from "../faults/faults.ts";
import type { Verdict } from "../faults/verdict.ts";
import type { Timeline } from "../timeline/timeline.ts";
import { Channel, type Item } from "./channel.ts";
import type { Codec } from "./codec.ts";
import { type Direction, Frame } from "./frame.ts";
import type { Gate } from "./gate.ts";
import type { CallMethod } from "./methods.ts";

export interface CallOptions {
  readonly id: number;
  readonly link: string;
  readonly method: CallMethod;
  readonly codec: Codec;
  /** What becomes of each message on its way. Default: it stays as it is. */
  readonly alter?: (message: Encoded) => Uint8Array;
  readonly windowBytes: number;
  readonly isStepwise: boolean;
  readonly timeline: Timeline;
  readonly faults: FaultNetwork;
  /** For what goes up and for what goes down. */
  readonly runtimes: Readonly<Record<Direction, Runtime>>;
  readonly gates: Readonly<Record<Direction, Gate>>;
  /** Breaks the connection that the call is on. */
  readonly cutLink: (reason: string) => void;
  /** The call is over for both. */
  readonly onOver: (call: Call) => void;
}

/** A message in bytes, and what is known of it; without a schema it is of no method of the protocol. */
export interface Encoded {
  readonly codec: Codec;
  readonly schema: DescMessage | undefined;
  readonly bytes: Uint8Array;
}

/** One end of a call. */
export interface CallEnd {
  onItem(item: Item): void;
  /** There is room to send again. */
  onRoom(): void;
}

/** How long a message that is to come after the next one waits for that one. */
const reorderWaitMs = 100;

/** One call: two channels, the faults between them, and what both ends are told when it breaks. */
export class Call {
  readonly #options: CallOptions;
  readonly #channels: Readonly<Record<Direction, Channel>>;
  readonly #overtaken = new Map<Direction, () => void>();
  client: CallEnd | undefined;
  server: CallEnd | undefined;
  /** Something on it was lost without a trace: no stream goes on after that. */
  hasLost = false;
  #isOver = false;

  constructor(options: CallOptions) {
    this.#options = options;
    const create = (direction: Direction): Channel =>
      new Channel({
        runtime: options.runtimes[direction],
        gate: options.gates[direction],
        windowBytes: options.windowBytes,
        isStepwise: options.isStepwise,
        onItem: (item) => this.#arrived(direction, item),
        onFull: () => this.#noteWindow(direction, "is full: whoever writes waits until it is read"),
        onRoom: () => {
          this.#noteWindow(direction, "has room again");
          this.#end(direction === "up" ? "client" : "server")?.onRoom();
        },
      });
    this.#channels = { up: create("up"), down: create("down") };
  }

  get id(): number {
    return this.#options.id;
  }

  get codec(): Codec {
    return this.#options.codec;
  }

  get method(): CallMethod {
    return this.#options.method;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  channel(direction: Direction): Channel {
    return this.#channels[direction];
  }

  /** What a response begins with, when nothing else is known of it. */
  responseHeaders(): Headers {
    return new Headers({ "content-type": this.#options.codec.contentType });
  }

  /** Sends a message; returns whether there is room for more. */
  sendMessage(direction: Direction, said: Uint8Array): boolean {
    const { id: call, link, method, codec, alter, timeline, faults, runtimes, gates } = this.#options;
    if (this.#isOver) return false;
    const sentMs = timeline.nowMs();
    const schema = direction === "up" ? method.input : method.output;
    const bytes = alter === undefined ? said : alter({ codec, schema, bytes: said });
    const frame = new Frame({ link, direction, method, codec, call, sentMs, bytes });
    timeline.addFrame(frame);
    if (gates[direction].isCut) {
      this.#lose(frame);
      return true;
    }
    const overtaken = this.#overtaken.get(direction);
    this.#overtaken.delete(direction);
    const verdict = faults.judge(frame);
    if (verdict === undefined) this.#channels[direction].send({ kind: "message", frame, bytes });
    else this.#obey(verdict, frame, runtimes[direction]);
    overtaken?.();
    return this.#channels[direction].hasRoom;
  }

  /** Sends anything but a message. Only the bridge ends a call; the client's end is the end of what it says. */
  send(direction: Direction, item: Exclude<Item, { kind: "message" }>): void {
    if (this.#isOver) return;
    if (this.#options.gates[direction].isCut) {
      this.hasLost = true;
      return;
    }
    this.#channels[direction].send(item);
    if (direction === "down" && item.kind === "end") this.#noteEnd(item.trailers);
    // What the client still says to a call that the bridge has ended is thrown away.
    if (direction === "up" || item.kind !== "end") return;
    this.#channels.up.close();
    // Nobody is there to hear it.
    if (this.#channels.down.isClosed) this.#finish();
  }

  /** The connection below it breaks: both ends lose what is under way and are told nothing more. */
  break(reason: string): void {
    if (this.#isOver) return;
    const error = new ConnectError(reason, Code.Unavailable);
    const { client, server } = this;
    this.#finish();
    client?.onItem({ kind: "reset", reason: error });
    server?.onItem({ kind: "reset", reason: new ConnectError("the client went away", Code.Canceled) });
  }

  /** The client gives the call up. It hears nothing more; the bridge hears of it as of everything else. */
  abandon(reason: Error): void {
    if (this.#isOver) return;
    this.client = undefined;
    this.#channels.down.close();
    if (this.#options.gates.up.isCut) this.hasLost = true;
    else this.#channels.up.send({ kind: "reset", reason });
    if (this.#channels.up.isClosed) this.#finish();
  }

  #end(end: "client" | "server"): CallEnd | undefined {
    return this[end];
  }

  #arrived(direction: Direction, item: Item): void {
    this.#end(direction === "up" ? "server" : "client")?.onItem(item);
    const isLast = item.kind === "reset" || (direction === "down" && item.kind === "end");
    if (isLast) this.#finish();
  }

  #obey(verdict: Verdict, frame: Frame, runtime: Runtime): void {
    const { cutLink } = this.#options;
    const { outcome, error, cut, copies, delayMs, bytes = frame.bytes } = verdict;
    frame.outcome = outcome;
    if (error !== undefined) {
      this.send("down", { kind: "headers", headers: this.responseHeaders() });
      this.send("down", { kind: "end", trailers: setTrailerStatus(new Headers(), error) });
      this.server?.onItem({ kind: "reset", reason: new ConnectError("the client went away", Code.Canceled) });
      this.server = undefined;
      return;
    }
    if (cut === "before") return cutLink("a fault cut it");
    const { direction } = frame;
    const onArrived = (): void => {
      // Not before it was read: a connection that breaks takes along what was not.
      if (cut === "after") runtime.defer(() => cutLink("a fault cut it"));
    };
    const deliver = (): void => {
      const item: Item = { kind: "message", frame, bytes, onArrived };
      for (let copy = 0; copy < copies; copy += 1) this.#channels[direction].send(item);
    };
    if (delayMs > 0) {
      runtime.setTimer(deliver, delayMs);
    } else if (verdict.isOvertaken) {
      this.#overtaken.set(direction, deliver);
      const overdue = (): void => {
        if (this.#overtaken.get(direction) !== deliver) return;
        this.#overtaken.delete(direction);
        deliver();
      };
      runtime.setTimer(overdue, reorderWaitMs);
    } else {
      deliver();
    }
  }

  #noteEnd(trailers: Headers): void {
    const error = findTrailerError(trailers);
    const { link, method, timeline } = this.#options;
    if (error !== undefined) timeline.note(`${link} ← bridge  ${method.name} ended with ${error.message}`);
    else if (method.name === "stream") timeline.note(`${link} ← bridge  ${method.name} ended`);
  }

  #noteWindow(direction: Direction, what: string): void {
    const { link, timeline, windowBytes } = this.#options;
    timeline.note(`${link} ${direction === "up" ? "→" : "←"} bridge  its window of ${windowBytes} bytes ${what}`);
  }

  #lose(frame: Frame): void {
    frame.outcome = "lost in the partition";
    this.hasLost = true;
  }

  #finish(): void {
    this.#isOver = true;
    this.#channels.up.close();
    this.#channels.down.close();
    this.client = undefined;
    this.server = undefined;
    this.#options.onOver(this);
  }
}
