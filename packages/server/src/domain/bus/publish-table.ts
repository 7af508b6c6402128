import { randomInt } from "node:crypto";

/** What is known of a publish, in numbers. */
export interface PublishFacts {
  readonly matched: number;
  readonly offset: number;
}

type Columns = ReturnType<typeof createColumns>;

const firstPlaces = 1024;
/** Of an entry in the hash table; the rest is of the hash, so that there may be 2^18 - 1 places. */
const placeBits = 2 ** 18 - 1;
const tagBits = ~placeBits;

/**
 * Publishes in the order in which they came, numbered, and found by sender and id. One comes and one goes with every
 * event among very many, so they are no objects: a ring of places, and a hash table that says where to look.
 */
export class PublishTable {
  /** Whoever knew it could choose ids that are all looked for in one place. */
  readonly #seed = randomInt(2 ** 31);
  #columns = createColumns(firstPlaces);
  #mask = firstPlaces - 1;
  /** Places + 1 with a tag by hash, each in the first free slot from there on. 0: free. At least half are. */
  #slots = new Int32Array(2 * firstPlaces);
  #first = 0;
  #next = 0;
  #size = 0;
  /** What was hashed last: who does not find a publish adds it. */
  readonly #last = { sender: "", id: "", hash: 0 };

  /** The number of the oldest. */
  get first(): number {
    return this.#first;
  }

  /** How many numbers there are from the oldest on. */
  get length(): number {
    return this.#next - this.#first;
  }

  /** How many can be found. */
  get size(): number {
    return this.#size;
  }

  /** The number of a publish. Negative: there is none. */
  find(sender: string, id: string): number {
    const place = placeIn(this.#slots[this.#slotOf(this.#hash(sender, id), sender, id)]);
    return place < 0 ? -1 : this.#first + ((place - this.#first) & this.#mask);
  }

  /** Adds a publish, instead of an older one with this id, and returns its number. */
  add(sender: string, id: string, atMs: number): number {
    if (this.length > this.#mask) this.#grow();
    const columns = this.#columns;
    const number = this.#next;
    const place = number & this.#mask;
    const hash = this.#hash(sender, id);
    const slot = this.#slotOf(hash, sender, id);
    const older = placeIn(this.#slots[slot]);
    if (older < 0) this.#size += 1;
    else columns.ids[older] = undefined;
    this.#slots[slot] = entryOf(place, hash);
    columns.hashes[place] = hash;
    columns.senders[place] = sender;
    columns.ids[place] = id;
    columns.atMs[place] = atMs;
    columns.matched[place] = 0;
    columns.offsets[place] = 0;
    this.#next += 1;
    return number;
  }

  /** Whether a publish is still the one that is found by its id. */
  has(number: number): boolean {
    return number >= this.#first && number < this.#next && this.#columns.ids[number & this.#mask] !== undefined;
  }

  /** When a publish was. */
  atMs(number: number): number {
    return this.#columns.atMs[number & this.#mask] as number;
  }

  read(number: number): PublishFacts {
    const { matched, offsets } = this.#columns;
    const place = number & this.#mask;
    return { matched: matched[place] as number, offset: offsets[place] as number };
  }

  write(number: number, { matched, offset }: PublishFacts): void {
    const place = number & this.#mask;
    this.#columns.matched[place] = matched;
    this.#columns.offsets[place] = offset;
  }

  delete(number: number): void {
    if (!this.has(number)) return;
    const place = number & this.#mask;
    this.#free(place);
    this.#columns.ids[place] = undefined;
    this.#size -= 1;
  }

  /** Removes the oldest. */
  shift(): void {
    this.delete(this.#first);
    this.#first += 1;
  }

  #hash(sender: string, id: string): number {
    const last = this.#last;
    if (last.id === id && last.sender === sender) return last.hash;
    const hash = hashText(hashText(this.#seed, sender), id);
    last.sender = sender;
    last.id = id;
    last.hash = hash;
    return hash;
  }

  /** The slot of a publish, or the one that it would get. */
  #slotOf(hash: number, sender: string, id: string): number {
    const { ids, senders } = this.#columns;
    const slots = this.#slots;
    const mask = slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const entry = slots[slot] as number;
      if (entry === 0) return slot;
      // Most of what is not the one is told by its tag, without a look at its place.
      if (((entry ^ hash) & tagBits) !== 0) continue;
      const place = placeIn(entry);
      if (ids[place] === id && senders[place] === sender) return slot;
    }
  }

  /** Frees the slot of a place, and moves up those behind it that had to step back. */
  #free(place: number): void {
    const slots = this.#slots;
    const { hashes } = this.#columns;
    const mask = slots.length - 1;
    let free = (hashes[place] as number) & mask;
    while (placeIn(slots[free]) !== place) free = (free + 1) & mask;
    for (let slot = (free + 1) & mask; slots[slot] !== 0; slot = (slot + 1) & mask) {
      const wanted = (hashes[placeIn(slots[slot])] as number) & mask;
      if (((slot - wanted) & mask) < ((slot - free) & mask)) continue;
      slots[free] = slots[slot] as number;
      free = slot;
    }
    slots[free] = 0;
  }

  #grow(): void {
    const places = 2 * (this.#mask + 1);
    const before = this.#columns;
    const columns = createColumns(places);
    this.#slots = new Int32Array(2 * places);
    for (let number = this.#first; number < this.#next; number += 1) {
      const from = number & this.#mask;
      const to = number & (places - 1);
      copyPlace(before, from, columns, to);
      if (columns.ids[to] !== undefined) putIntoSlot(this.#slots, columns.hashes[to] as number, to);
    }
    this.#columns = columns;
    this.#mask = places - 1;
  }
}

function createColumns(places: number) {
  return {
    ids: Array.from<string | undefined>({ length: places }),
    senders: Array.from({ length: places }, () => ""),
    hashes: new Int32Array(places),
    atMs: new Float64Array(places),
    matched: new Int32Array(places),
    offsets: new Float64Array(places),
  };
}

function copyPlace(source: Columns, from: number, target: Columns, to: number): void {
  target.ids[to] = source.ids[from];
  target.senders[to] = source.senders[from] as string;
  target.hashes[to] = source.hashes[from] as number;
  target.atMs[to] = source.atMs[from] as number;
  target.matched[to] = source.matched[from] as number;
  target.offsets[to] = source.offsets[from] as number;
}

function putIntoSlot(slots: Int32Array, hash: number, place: number): void {
  const mask = slots.length - 1;
  let slot = hash & mask;
  while (slots[slot] !== 0) slot = (slot + 1) & mask;
  slots[slot] = entryOf(place, hash);
}

function entryOf(place: number, hash: number): number {
  return (hash & tagBits) | (place + 1);
}

/** The place that an entry of the hash table names. Negative: none. */
function placeIn(entry: number | undefined): number {
  return ((entry as number) & placeBits) - 1;
}

/** Four characters at a time, in two strands that do not wait for each other. */
function hashText(seed: number, text: string): number {
  const { length } = text;
  let [one, other] = [seed, ~seed];
  let index = 0;
  for (; index + 3 < length; index += 4) {
    one = mix(one ^ (text.charCodeAt(index) | (text.charCodeAt(index + 1) << 16)));
    other = mix(other ^ (text.charCodeAt(index + 2) | (text.charCodeAt(index + 3) << 16)));
  }
  for (; index < length; index += 1) one = mix(one ^ text.charCodeAt(index));
  return mix(one ^ Math.imul(other, 0x1b873593) ^ length);
}

function mix(bits: number): number {
  const product = Math.imul(bits, 0x5bd1e995);
  return product ^ (product >>> 15);
}
