import type { Code } from "@connectrpc/connect";
import { ConnectError } from "@connectrpc/connect";
import { type Duration, toMilliseconds } from "../clock/duration.ts";
import type { SeededRandom } from "../clock/seeded-random.ts";
import type { Frame } from "../network/frame.ts";
import type { Fault } from "./fault.ts";
import { untouched, type Verdict } from "./verdict.ts";
import { checkWhere, isWhere, type Where } from "./where.ts";

/** What can happen to single messages. Without more words, to the next one that fits. */
export interface MessageFaults {
  /** It is lost, and its stream goes on, as if whoever received it forgot it. */
  drop(where: Where): Fault;
  /** It comes late; what is sent after it comes before it. */
  delay(where: Where, by: Duration): Fault;
  /** It comes several times, default twice. */
  duplicate(where: Where, copies?: number): Fault;
  /** It comes after the next message of its call; if none comes, 100 ms late. */
  reorder(where: Where): Fault;
  /** One of its bytes is another one, by the seed. */
  corrupt(where: Where): Fault;
  /** Its connection breaks: `before` it arrives, so that it is lost, or right `after`, so that its answer is. */
  cut(where: Where, when?: "before" | "after"): Fault;
  /** Its call ends with an error in place of it. */
  fail(where: Where, code: Code, message?: string): Fault;
}

interface Rule {
  readonly where: Where;
  readonly judge: (frame: Frame) => Partial<Verdict>;
  seen: number;
  hits: number;
}

/** Decides what becomes of each message, by the first rule that is for it. */
export class MessageRules implements MessageFaults {
  readonly #rules = new Map<Rule, Fault>();
  readonly #random: SeededRandom;

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  /** What is to become of a message; nothing when no rule is for it. */
  judge(frame: Frame): Verdict | undefined {
    for (const rule of this.#rules.keys()) {
      const { where } = rule;
      if (rule.hits >= (where.times ?? 1) || !isWhere(where, frame)) continue;
      rule.seen += 1;
      if (rule.seen <= (where.skip ?? 0)) continue;
      if (where.chance !== undefined && this.#random.next() >= where.chance) continue;
      rule.hits += 1;
      return { ...untouched, ...rule.judge(frame) };
    }
    return undefined;
  }

  /** Faults that were to hit a message and have not. */
  get due(): Fault[] {
    return [...this.#rules.values()].filter(({ isDue }) => isDue);
  }

  clear(): void {
    this.#rules.clear();
  }

  drop(where: Where): Fault {
    return this.#add("drop", where, () => ({ outcome: "dropped by a fault", copies: 0 }));
  }

  delay(where: Where, by: Duration): Fault {
    const delayMs = toMilliseconds(by, "by");
    return this.#add(`delay by ${by}`, where, () => ({ outcome: `late by ${by}`, delayMs }));
  }

  duplicate(where: Where, copies = 2): Fault {
    return this.#add("duplicate", where, () => ({ outcome: `delivered ${copies} times`, copies }));
  }

  reorder(where: Where): Fault {
    return this.#add("reorder", where, () => ({ outcome: "after the next one", isOvertaken: true }));
  }

  corrupt(where: Where): Fault {
    return this.#add("corrupt", where, ({ bytes }) => ({ outcome: "damaged", bytes: this.#damage(bytes) }));
  }

  cut(where: Where, when: "before" | "after" = "before"): Fault {
    return this.#add(`cut ${when}`, where, () => ({ outcome: `the connection broke ${when} it`, cut: when }));
  }

  fail(where: Where, code: Code, message = "a fault of the test"): Fault {
    const error = new ConnectError(message, code);
    return this.#add(`fail with ${error.message}`, where, () => ({ outcome: `failed with ${error.message}`, error }));
  }

  #add(what: string, where: Where, judge: Rule["judge"]): Fault {
    checkWhere(where);
    const rule: Rule = { where, judge, seen: 0, hits: 0 };
    const remove = (): void => void this.#rules.delete(rule);
    const isUsed = (): boolean =>
      rule.hits >= (where.times === undefined || where.times === Infinity ? 1 : where.times);
    const fault: Fault = {
      name: `${what} ${describeWhere(where)}`,
      get hits() {
        return rule.hits;
      },
      get isDue() {
        return where.chance === undefined && !isUsed();
      },
      remove,
      [Symbol.dispose]: remove,
    };
    this.#rules.set(rule, fault);
    return fault;
  }

  #damage(bytes: Uint8Array): Uint8Array {
    const damaged = bytes.slice();
    const at = Math.floor(this.#random.next() * bytes.length);
    if (bytes.length > 0) damaged[at] = ((damaged[at] ?? 0) + 1 + Math.floor(this.#random.next() * 254)) % 256;
    return damaged;
  }
}

function describeWhere({ link, direction, kind, topic }: Where): string {
  const parts = [link, direction, kind, topic].flat().filter((part) => part !== undefined);
  return parts.length === 0 ? "any message" : parts.join(" ");
}
