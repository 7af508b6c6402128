import { evenBits, KeyHash } from "./key-hash.ts";

/** What is known of a publish, in numbers. */
export interface PublishFacts {
  readonly matched: number;
  readonly offset: number;
}

type Columns = ReturnType<typeof createColumns>;

const firstPlaces = 1024;

/**
 * Publishes in the order in which they came, numbered, and found by sender and id. One comes and one goes with every
 * event among very many, so they are no objects: a ring of places, and chains of those whose hashes begin alike, from
 * the newest back. Nothing is taken out of a chain: it ends where it comes to one that is older than the oldest.
 */
export class PublishTable {
  readonly #keys = new KeyHash();
  #columns = createColumns(firstPlaces);
  #mask = firstPlaces - 1;
  #chains: ReturnType<typeof createChains>;
  #first: number;
  #next: number;
  #size = 0;
  /** What was hashed last: who does not find a publish adds it. */
  readonly #last = { sender: "", id: "", hash: 0 };

  /** @param first the number of the first that is added */
  constructor(first = 0) {
    this.#first = first;
    this.#next = first;
    this.#chains = createChains(firstPlaces, first - 1);
  }

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
    return this.#find(this.#hash(sender, id), sender, id);
  }

  /** Adds a publish, instead of an older one with this id, and returns its number. */
  add(sender: string, id: string, atMs: number): number {
    if (this.length > this.#mask) this.#grow();
    const columns = this.#columns;
    const hash = this.#hash(sender, id);
    const older = this.#find(hash, sender, id);
    if (older < 0) this.#size += 1;
    else columns.ids[older & this.#mask] = undefined;
    const number = this.#next;
    const place = number & this.#mask;
    this.#link(number, hash);
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
    this.#forget(number);
    // Else one id that is published in vain again and again would make its chain long.
    const { heads, shift } = this.#chains;
    const { links } = this.#columns;
    const place = number & this.#mask;
    const head = (links[2 * place] as number) >>> shift;
    if (heads[head] === (number | 0)) heads[head] = links[2 * place + 1] as number;
  }

  /** Removes the oldest. */
  shift(): void {
    if (this.has(this.#first)) this.#forget(this.#first);
    this.#first += 1;
  }

  #forget(number: number): void {
    this.#columns.ids[number & this.#mask] = undefined;
    this.#size -= 1;
  }

  #hash(sender: string, id: string): number {
    const last = this.#last;
    if (last.id === id && last.sender === sender) return last.hash;
    const hash = this.#keys.of(sender, id);
    last.sender = sender;
    last.id = id;
    last.hash = hash;
    return hash;
  }

  #find(hash: number, sender: string, id: string): number {
    const { ids, senders, links } = this.#columns;
    const { length } = this;
    const next = this.#next;
    let number = this.#chains.heads[hash >>> this.#chains.shift] as number;
    for (let least = 0; ; ) {
      // Of numbers, 32 bits are kept: enough to tell how many came since, unless it is one that is long gone.
      const age = (next - number) >>> 0;
      if (age <= least || age > length) return -1;
      const place = (next - age) & this.#mask;
      if (links[2 * place] === hash && ids[place] === id && senders[place] === sender) return next - age;
      number = links[2 * place + 1] as number;
      least = age;
    }
  }

  /** Puts a publish before those whose hashes begin like its own. */
  #link(number: number, hash: number): void {
    const { heads, shift } = this.#chains;
    const { links } = this.#columns;
    const place = number & this.#mask;
    links[2 * place] = hash;
    links[2 * place + 1] = heads[hash >>> shift] as number;
    heads[hash >>> shift] = number;
  }

  #grow(): void {
    const before = this.#columns;
    const beforeMask = this.#mask;
    const places = 2 * (beforeMask + 1);
    this.#columns = createColumns(places);
    this.#mask = places - 1;
    this.#chains = createChains(places, this.#first - 1);
    for (let number = this.#first; number < this.#next; number += 1) {
      const from = number & beforeMask;
      copyPlace(before, from, this.#columns, number & this.#mask);
      this.#link(number, before.links[2 * from] as number);
    }
  }
}

function createColumns(places: number) {
  return {
    ids: Array.from<string | undefined>({ length: places }),
    senders: Array.from({ length: places }, () => ""),
    /** Of each place its hash, and the number of the next older one in its chain: they are read together. */
    links: new Int32Array(2 * places),
    atMs: new Float64Array(places),
    matched: new Int32Array(places),
    offsets: new Float64Array(places),
  };
}

function copyPlace(source: Columns, from: number, target: Columns, to: number): void {
  target.ids[to] = source.ids[from];
  target.senders[to] = source.senders[from] as string;
  target.atMs[to] = source.atMs[from] as number;
  target.matched[to] = source.matched[from] as number;
  target.offsets[to] = source.offsets[from] as number;
}

/** Where chains begin, by the upper bits of a hash; at first with a number that is none any more. */
function createChains(places: number, none: number) {
  const bits = Math.min(evenBits, Math.log2(2 * places));
  return { heads: new Int32Array(2 ** bits).fill(none), shift: 32 - bits };
}
