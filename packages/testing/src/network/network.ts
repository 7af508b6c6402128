import type { Transport } from "@connectrpc/connect";
import type { Runtime } from "@loom-bridge/protocol";
import type { Principal } from "@loom-bridge/server";
import type { Clock } from "../clock/clock.ts";
import type { FaultNetwork } from "../faults/faults.ts";
import { isOn, type OnLinks } from "../faults/link-faults.ts";
import type { Timeline } from "../timeline/timeline.ts";
import { Call } from "./call.ts";
import { type CodecName, codecs } from "./codec.ts";
import type { Direction } from "./frame.ts";
import { addFutureFields } from "./future-fields.ts";
import { createMemoryTransport } from "./memory-transport.ts";
import { methodOf } from "./methods.ts";
import type { Arrival, Place } from "./place.ts";

export interface NetworkOptions {
  /** Who answers now; nobody while the bridge is down. */
  readonly place: () => Place | undefined;
  /** How clients encode what they say. */
  readonly codec: CodecName;
  /** Whether all messages have fields of a later version. */
  readonly futureFields: boolean;
  readonly windowBytes: number;
  readonly isStepwise: boolean;
  readonly timeline: Timeline;
  readonly faults: FaultNetwork;
  /** The turns in which one direction of a link delivers. */
  readonly createRuntime: (name: string) => Runtime;
  /** Makes time wait for work that it cannot see. */
  readonly track: Clock["track"];
}

/** What is on one link now. */
export interface LinkState {
  readonly link: string;
  readonly calls: number;
  /** Bytes that were sent and not taken by the other end, each way. */
  readonly unreadBytes: Readonly<Record<Direction, number>>;
  /** Messages that were sent and did not arrive, each way. */
  readonly underWay: Readonly<Record<Direction, number>>;
}

/** The ways to the bridge of a world. */
export class Network {
  readonly #options: NetworkOptions;
  readonly #runtimes = new Map<string, Readonly<Record<Direction, Runtime>>>();
  readonly #calls = new Map<Call, string>();
  #lastCall = 0;

  constructor(options: NetworkOptions) {
    this.#options = options;
  }

  /** The calls that are open. */
  get openCalls(): ReadonlySet<number> {
    return new Set(Array.from(this.#calls.keys(), ({ id }) => id));
  }

  state(link: string): LinkState {
    const calls = [...this.#calls].filter(([, name]) => name === link).map(([call]) => call);
    const sum = (of: (call: Call) => number): number => calls.reduce((total, call) => total + of(call), 0);
    const each = (of: (call: Call, direction: Direction) => number): Record<Direction, number> => ({
      up: sum((call) => of(call, "up")),
      down: sum((call) => of(call, "down")),
    });
    return {
      link,
      calls: calls.length,
      unreadBytes: each((call, direction) => call.channel(direction).unreadBytes),
      underWay: each((call, direction) => call.channel(direction).messagesUnderWay),
    };
  }

  /** A way to the bridge, for everybody or for one whom the test vouches for. */
  transport(link: string, principal?: Principal): Transport {
    const codec = codecs[this.#options.codec];
    return createMemoryTransport({ codec, open: (path) => this.#openCall(link, path, principal) });
  }

  /** Breaks the connections of these links, or of all: what is under way is lost, and nobody is told why. */
  cut(link: string | undefined, reason = "the connection broke"): void {
    this.#options.timeline.note(`cut ${link ?? "every link"}: ${reason}`);
    for (const [call, name] of [...this.#calls]) if (link === undefined || name === link) call.break(reason);
  }

  /** A partition has healed: what was lost meanwhile shows now. */
  heal(on: OnLinks): void {
    for (const [call, name] of [...this.#calls]) {
      if (call.hasLost && isOn(on, name)) call.break("the connection was lost in a partition");
    }
  }

  /** Gates have opened or closed. */
  arrange(): void {
    for (const call of this.#calls.keys()) {
      call.channel("up").arrange();
      call.channel("down").arrange();
    }
  }

  #openCall(link: string, path: string, principal: Principal | undefined): Call {
    const { timeline, faults, windowBytes, isStepwise, codec, futureFields } = this.#options;
    this.#lastCall += 1;
    const call = new Call({
      id: this.#lastCall,
      link,
      method: methodOf(path),
      codec: codecs[codec],
      ...(futureFields ? { alter: addFutureFields } : {}),
      windowBytes,
      isStepwise,
      timeline,
      faults,
      runtimes: this.#runtimesOf(link),
      gates: { up: faults.gate(link, "up"), down: faults.gate(link, "down") },
      cutLink: (reason) => this.cut(link, reason),
      onOver: (over) => this.#calls.delete(over),
    });
    this.#calls.set(call, link);
    call.server = {
      onRoom: () => {},
      onItem: (item) => item.kind === "headers" && this.#accept(call, { path, headers: item.headers, principal }),
    };
    return call;
  }

  /** The headers of a call have reached the bridge. */
  #accept(call: Call, arrival: Arrival): void {
    const place = this.#options.place();
    if (place === undefined) call.break("nobody answers");
    else place.accept(call, arrival, this.#options.track);
  }

  #runtimesOf(link: string): Readonly<Record<Direction, Runtime>> {
    let runtimes = this.#runtimes.get(link);
    if (runtimes === undefined) {
      const { createRuntime } = this.#options;
      runtimes = { up: createRuntime(`${link} → bridge`), down: createRuntime(`${link} ← bridge`) };
      this.#runtimes.set(link, runtimes);
    }
    return runtimes;
  }
}
