import { createSeededRandom } from "../clock/seeded-random.ts";
import type { Direction, Frame } from "../network/frame.ts";
import type { Gate } from "../network/gate.ts";
import type { Fault } from "./fault.ts";
import { type LinkFaults, LinkRules, type LinkRulesOptions } from "./link-faults.ts";
import { type MessageFaults, MessageRules } from "./message-faults.ts";
import type { Verdict } from "./verdict.ts";

/** What can go wrong between agents and bridge, on request. */
export interface Faults extends MessageFaults, LinkFaults {
  /** Takes every fault back. */
  clear(): void;
  /** Faults that were to hit a message and have not. */
  readonly due: readonly Fault[];
}

/** The network's side of the faults. */
export interface FaultNetwork {
  readonly faults: Faults;
  judge(frame: Frame): Verdict | undefined;
  gate(link: string, direction: Direction): Gate;
}

export function createFaults(options: LinkRulesOptions): FaultNetwork {
  const messages = new MessageRules(createSeededRandom(options.seed, "faults"));
  const links = new LinkRules(options);
  return {
    faults: {
      drop: (where) => messages.drop(where),
      delay: (where, by) => messages.delay(where, by),
      duplicate: (where, copies) => messages.duplicate(where, copies),
      reorder: (where) => messages.reorder(where),
      corrupt: (where) => messages.corrupt(where),
      cut: (where, when) => messages.cut(where, when),
      fail: (where, code, message) => messages.fail(where, code, message),
      latency: (by, on) => links.latency(by, on),
      slow: (messagesPerSecond, on) => links.slow(messagesPerSecond, on),
      hold: (on) => links.hold(on),
      stallReads: (link) => links.stallReads(link),
      partition: (on) => links.partition(on),
      clear() {
        messages.clear();
        links.clear();
      },
      get due() {
        return messages.due;
      },
    },
    judge: (frame) => messages.judge(frame),
    gate: (link, direction) => links.gate(link, direction),
  };
}
