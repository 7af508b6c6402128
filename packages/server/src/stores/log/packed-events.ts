import type { BusEvent, LoggedEvent } from "../../domain/bus/bus-event.ts";
import { columnOf, Ring } from "../../domain/ring.ts";

type Packed = Omit<LoggedEvent, "topic" | "offset" | "publishedMs">;

type Value = string | BusEvent["chain"] | ArrayBufferLike;

/** Where what an event refers to lies in its row. Bodies lie side by side in the buffers that they were copied into. */
const value = { id: 0, type: 1, sender: 2, key: 3, chain: 4, buffer: 5 } as const;
const width = 6;

/** Events of one topic, oldest first, in columns: a busy topic keeps thousands for a fraction of a second each. */
export class PackedEvents {
  readonly #ring = new Ring((places) => ({
    values: columnOf<Value>(width * places, undefined),
    starts: new Uint32Array(places),
    lengths: new Uint32Array(places),
  }));

  push({ id, type, sender, key = "", chain, body }: BusEvent): void {
    const place = this.#ring.push();
    const { columns } = this.#ring;
    const { values } = columns;
    const row = width * place;
    values[row + value.id] = id;
    values[row + value.type] = type;
    values[row + value.sender] = sender;
    values[row + value.key] = key;
    values[row + value.chain] = chain;
    values[row + value.buffer] = body.buffer;
    columns.starts[place] = body.byteOffset;
    columns.lengths[place] = body.length;
  }

  /** An event, counted from the oldest. */
  at(index: number): Packed {
    const place = this.#ring.placeOf(index);
    const { values, starts, lengths } = this.#ring.columns;
    const row = width * place;
    return {
      id: values[row + value.id] as string,
      type: values[row + value.type] as string,
      sender: values[row + value.sender] as string,
      body: new Uint8Array(values[row + value.buffer] as ArrayBufferLike, starts[place], lengths[place]),
      key: values[row + value.key] as string,
      chain: values[row + value.chain] as BusEvent["chain"],
    };
  }

  /** Lets go of the oldest. */
  shift(): void {
    const { values } = this.#ring.columns;
    const row = width * this.#ring.placeOf(0);
    for (let field = 0; field < width; field += 1) values[row + field] = undefined;
    this.#ring.shift();
  }
}
