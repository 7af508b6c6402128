import { LoomError } from "@loom-bridge/protocol";
import { type Duration, toMilliseconds } from "../clock/duration.ts";
import { createSeededRandom } from "../clock/seeded-random.ts";
import type { Direction } from "../network/frame.ts";
import { Gate } from "../network/gate.ts";
import type { Fault } from "./fault.ts";

/** Which links, and which way. Nothing given: all of them, both ways. */
export interface OnLinks {
  /** The link: the id of its agent, or several. Default: every link, also those that come later. */
  readonly link?: string | readonly string[];
  readonly direction?: Direction;
}

/** What can happen to all that goes over a link, until it is taken back. */
export interface LinkFaults {
  /** Everything takes longer, and stays in order. `jitter` adds up to so much more, by the seed. */
  latency(by: Duration, on?: OnLinks & { readonly jitter?: Duration }): Fault;
  /** At most so many messages a second arrive; the others wait, and fill the window. */
  slow(messagesPerSecond: number, on?: OnLinks): Fault;
  /** Nothing arrives until it is removed; then all of it does. The window fills meanwhile. */
  hold(on?: OnLinks): Fault;
  /** The agent does not read, as one whose event loop is blocked. Removed: it reads on. */
  stallReads(link: string | readonly string[]): Fault;
  /**
   * Nothing arrives, and nobody is told. Removed, the partition heals: calls that have lost something by then break,
   * others go on.
   */
  partition(on?: OnLinks): Fault;
}

interface Rule {
  readonly on: OnLinks;
  readonly apply: (gate: Gate) => void;
  readonly onRemove: () => void;
}

export interface LinkRulesOptions {
  readonly seed: number;
  /** Gates have changed: what waits behind one may go on. */
  readonly onChange: () => void;
  /** A partition of these links has healed. */
  readonly onHealed: (on: OnLinks) => void;
  readonly note: (text: string) => void;
}

/** Keeps one gate for each direction of each link. */
export class LinkRules implements LinkFaults {
  readonly #options: LinkRulesOptions;
  readonly #gates = new Map<string, { readonly link: string; readonly direction: Direction; readonly gate: Gate }>();
  readonly #rules = new Set<Rule>();

  constructor(options: LinkRulesOptions) {
    this.#options = options;
  }

  gate(link: string, direction: Direction): Gate {
    const key = `${direction} ${link}`;
    const known = this.#gates.get(key);
    if (known !== undefined) return known.gate;
    const gate = new Gate(createSeededRandom(this.#options.seed, key));
    this.#gates.set(key, { link, direction, gate });
    this.#update();
    return gate;
  }

  clear(): void {
    const rules = [...this.#rules];
    this.#rules.clear();
    this.#update();
    for (const { onRemove } of rules) onRemove();
  }

  latency(by: Duration, { jitter = 0, ...on }: OnLinks & { readonly jitter?: Duration } = {}): Fault {
    const [latencyMs, jitterMs] = [toMilliseconds(by, "by"), toMilliseconds(jitter, "jitter")];
    return this.#add(`latency of ${by}`, on, (gate) => {
      gate.latencyMs += latencyMs;
      gate.jitterMs += jitterMs;
    });
  }

  slow(messagesPerSecond: number, on: OnLinks = {}): Fault {
    if (!(messagesPerSecond > 0)) {
      const message = `messagesPerSecond is ${messagesPerSecond}; it must be above 0. For none at all, use hold()`;
      throw new LoomError("invalid_argument", message, { details: { field: "messagesPerSecond" } });
    }
    return this.#add(`${messagesPerSecond} messages a second`, on, (gate) => {
      gate.intervalMs = Math.max(gate.intervalMs, 1000 / messagesPerSecond);
    });
  }

  hold(on: OnLinks = {}): Fault {
    return this.#add("hold", on, (gate) => {
      gate.isHeld = true;
    });
  }

  stallReads(link: string | readonly string[]): Fault {
    return this.#add("stalled reads", { link, direction: "down" }, (gate) => {
      gate.isHeld = true;
    });
  }

  partition(on: OnLinks = {}): Fault {
    return this.#add(
      "partition",
      on,
      (gate) => {
        gate.isCut = true;
      },
      () => this.#options.onHealed(on),
    );
  }

  #add(what: string, on: OnLinks, apply: Rule["apply"], onRemove: () => void = () => {}): Fault {
    const rule: Rule = { on, apply, onRemove };
    const { note } = this.#options;
    const name = `${what} on ${[on.link ?? "every link"].flat().join(", ")}${on.direction === undefined ? "" : ` ${on.direction}`}`;
    this.#rules.add(rule);
    this.#update();
    note(`fault: ${name}`);
    const remove = (): void => {
      if (!this.#rules.delete(rule)) return;
      note(`fault removed: ${name}`);
      this.#update();
      onRemove();
    };
    return { name, hits: 0, isDue: false, remove, [Symbol.dispose]: remove };
  }

  #update(): void {
    for (const { link, direction, gate } of this.#gates.values()) {
      Object.assign(gate, { latencyMs: 0, jitterMs: 0, intervalMs: 0, isHeld: false, isCut: false });
      for (const { on, apply } of this.#rules) if (isOn(on, link, direction)) apply(gate);
    }
    this.#options.onChange();
  }
}

export function isOn(on: OnLinks, link: string, direction?: Direction): boolean {
  if (on.link !== undefined && ![on.link].flat().includes(link)) return false;
  return on.direction === undefined || direction === undefined || on.direction === direction;
}
