import {
  type DescMessage,
  type DescMethodStreaming,
  type DescMethodUnary,
  fromBinary,
  type Message,
  type MessageInitShape,
} from "@bufbuild/protobuf";
import type { Transport } from "@connectrpc/connect";
import { Agent, type BridgeClient, type EventHandler } from "@loom-bridge/client";
import { type Delivery, DeliverySchema, EventSchema } from "@loom-bridge/protocol/messages";
import { plain } from "./plain.ts";

/** Calls of one kind that somebody has made, of which some may not be answered yet. */
interface Asked {
  readonly answers: string[];
  open: number;
}

type Rest<Message> = [AbortSignal | undefined, number | undefined, HeadersInit | undefined, Message];

/** What everybody in one world heard and was answered, in a form that is the same on every wire. */
export class Witness {
  /** By who it was and what kind of thing: what is of one kind has an order, two kinds may change places. */
  readonly #lines = new Map<string, string[]>();
  readonly #asked = new Map<string, Asked>();
  #actors = 0;

  get lines(): string[] {
    for (const who of this.#asked.keys()) this.#noteAnswers(who);
    const whos = [...this.#lines.keys()].sort();
    return whos.flatMap((who) => this.#linesOf(who).map((line) => `${who}: ${line}`));
  }

  /** Notes what each call of a client or an agent came to. */
  watch<Watched extends BridgeClient | Agent>(actor: Watched): Watched {
    const who = actor instanceof Agent ? `agent ${actor.id}` : this.#name("client");
    for (const name of methodsOf(actor)) {
      const method = Reflect.get(actor, name) as (...args: unknown[]) => unknown;
      const call = (...args: unknown[]): unknown => {
        const answer = method.apply(actor, args);
        if (answer instanceof Promise) this.#note(`${who} ${name}`, answer);
        return answer;
      };
      Object.defineProperty(actor, name, { value: call });
    }
    return actor;
  }

  /** Notes the events that an agent gets, those of each sender in order. */
  hearing(agentId: string, onEvent: EventHandler): EventHandler {
    return (context, envelope) => {
      const { topic, sender, type, payload, attempt, key } = envelope;
      this.#linesOf(`agent ${agentId} from ${sender}`).push(plain({ topic, type, attempt, key, payload }));
      return onEvent(context, envelope);
    };
  }

  /** Notes what goes over a transport of a client that is none of ours. */
  transport(inner: Transport): Transport {
    return {
      unary: <Input extends DescMessage, Output extends DescMessage>(
        method: DescMethodUnary<Input, Output>,
        ...rest: Rest<MessageInitShape<Input>>
      ) => {
        const answer = inner.unary(method, ...rest);
        this.#note(
          method.name,
          answer.then(({ message }) => message),
        );
        return answer;
      },
      stream: async <Input extends DescMessage, Output extends DescMessage>(
        method: DescMethodStreaming<Input, Output>,
        ...rest: Rest<AsyncIterable<MessageInitShape<Input>>>
      ) => {
        const who = this.#name(method.name);
        const response = await inner.stream(method, ...rest);
        const source = response.message[Symbol.asyncIterator]();
        const next = async () => {
          const result = await source.next();
          if (result.done !== true) this.#heard(who, method.output, result.value);
          return result;
        };
        return { ...response, message: { [Symbol.asyncIterator]: () => ({ next }) } };
      },
    };
  }

  #name(kind: string): string {
    this.#actors += 1;
    return `${kind} ${this.#actors}`;
  }

  #note(who: string, answer: Promise<unknown>): void {
    const asked = this.#asked.get(who) ?? { answers: [], open: 0 };
    this.#asked.set(who, asked);
    const place = asked.answers.push("no answer") - 1;
    asked.open += 1;
    const answered = (line: string): void => {
      asked.answers[place] = line;
      asked.open -= 1;
      if (asked.open === 0) this.#noteAnswers(who);
    };
    answer.then(
      (value) => answered(`resolved ${plain(value)}`),
      ({ code, toolCode }) => answered(`rejected ${plain({ code, toolCode })}`),
    );
  }

  /** Calls that were made at the same time may be answered in any order. */
  #noteAnswers(who: string): void {
    const answers = this.#asked.get(who)?.answers ?? [];
    this.#asked.delete(who);
    this.#linesOf(who).push(...answers.sort());
  }

  /** Batches are cut as time allows: what counts is what is in them. */
  #heard(who: string, schema: DescMessage, message: Message): void {
    const { delivery } = message as Delivery;
    if (schema !== DeliverySchema) {
      this.#linesOf(who).push(plain(message));
    } else if (delivery.case === "eventBatch") {
      const { subscription, attempt, events, firstSequence } = delivery.value;
      for (const [index, { event: bytes, ...routed }] of events.entries()) {
        const event = fromBinary(EventSchema, bytes);
        const says = { ...routed, attempt, sequence: firstSequence + BigInt(index), event };
        this.#linesOf(`${who} subscription ${subscription}`).push(plain(says));
      }
    } else if (delivery.case === "receiptBatch") {
      this.#linesOf(`${who} receipts`).push(...delivery.value.receipts.map(plain));
    } else {
      this.#linesOf(`${who} ${delivery.case}`).push(plain(delivery.value));
    }
  }

  #linesOf(who: string): string[] {
    const lines = this.#lines.get(who) ?? [];
    this.#lines.set(who, lines);
    return lines;
  }
}

function methodsOf(actor: object): string[] {
  const names = new Set<string>();
  for (let part: object = actor; part !== Object.prototype; part = Object.getPrototypeOf(part) as object) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(part))) {
      if (typeof value === "function" && name !== "constructor") names.add(name);
    }
  }
  return [...names];
}
