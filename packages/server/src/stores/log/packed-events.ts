import type { BusEvent, LoggedEvent } from "../../domain/bus/bus-event.ts";
import { columnOf, Ring } from "../../domain/ring.ts";

type Packed = Omit<LoggedEvent, "topic" | "offset" | "publishedMs">;

/** Events of one topic, oldest first, in columns: a busy topic keeps thousands for a fraction of a second each. */
export class PackedEvents {
  readonly #ring = new Ring((places) => ({
    ids: columnOf(places, ""),
    types: columnOf(places, ""),
    senders: columnOf(places, ""),
    keys: columnOf(places, ""),
    chains: columnOf<BusEvent["chain"]>(places, undefined),
    /** Where bodies lie: small ones side by side, in the buffers that they were copied into. */
    buffers: columnOf<ArrayBufferLike | undefined>(places, undefined),
    starts: new Uint32Array(places),
    lengths: new Uint32Array(places),
  }));

  push({ id, type, sender, key = "", chain, body }: BusEvent): void {
    const place = this.#ring.push();
    const { columns } = this.#ring;
    columns.ids[place] = id;
    columns.types[place] = type;
    columns.senders[place] = sender;
    columns.keys[place] = key;
    columns.chains[place] = chain;
    columns.buffers[place] = body.buffer;
    columns.starts[place] = body.byteOffset;
    columns.lengths[place] = body.length;
  }

  /** An event, counted from the oldest. */
  at(index: number): Packed {
    const place = this.#ring.placeOf(index);
    const { columns } = this.#ring;
    const buffer = columns.buffers[place] as ArrayBufferLike;
    return {
      id: columns.ids[place] as string,
      type: columns.types[place] as string,
      sender: columns.senders[place] as string,
      body: new Uint8Array(buffer, columns.starts[place], columns.lengths[place]),
      key: columns.keys[place] as string,
      chain: columns.chains[place],
    };
  }

  /** Lets go of the oldest. */
  shift(): void {
    const place = this.#ring.placeOf(0);
    const { columns } = this.#ring;
    columns.ids[place] = "";
    columns.types[place] = "";
    columns.keys[place] = "";
    columns.chains[place] = undefined;
    columns.buffers[place] = undefined;
    this.#ring.shift();
  }
}
