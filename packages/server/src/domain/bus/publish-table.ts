import { ExpectedKeys, type PublishKey } from "./expected-keys.ts";
import { evenBits, KeyHash } from "./key-hash.ts";

/** What is known of a publish, in numbers. */
export interface PublishFacts {
  readonly matched: number;
  readonly offset: number;
}

type Columns = ReturnType<typeof createColumns>;

const firstPlaces = 1024;
/** Where the facts of a publish lie, side by side: columns of their own would be as many places in memory to touch. */
const fact = { atMs: 0, matched: 1, offset: 2 } as const;
const factsWidth = 3;

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
  /** Nobody wants it, but reading for nothing might be left out by a compiler. */
  readonly #touched = new Int32Array(1);
  readonly #expected = new ExpectedKeys();

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

  /** Makes ready for ids that are looked for or added next, mostly in this order. */
  expect(keys: readonly PublishKey[]): void {
    const { heads, shift } = this.#chains;
    const hashes = this.#expected.hash(keys, this.#keys);
    // Chains begin anywhere in a megabyte. Read here, the processor fetches many at once; later it would wait for each.
    let sum = 0;
    for (let index = 0; index < keys.length; index += 1) {
      sum ^= heads[2 * ((hashes[index] as number) >>> shift)] as number;
    }
    this.#touched[0] = sum;
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
    const row = this.#rowOf(number);
    columns.facts[row + fact.atMs] = atMs;
    columns.facts[row + fact.matched] = 0;
    columns.facts[row + fact.offset] = 0;
    this.#next += 1;
    return number;
  }

  /** Whether a publish is still the one that is found by its id. */
  has(number: number): boolean {
    return number >= this.#first && number < this.#next && this.#columns.ids[number & this.#mask] !== undefined;
  }

  /** When a publish was. */
  atMs(number: number): number {
    return this.#columns.facts[this.#rowOf(number) + fact.atMs] as number;
  }

  read(number: number): PublishFacts {
    const columns = this.#columns;
    const row = this.#rowOf(number);
    return {
      matched: columns.facts[row + fact.matched] as number,
      offset: columns.facts[row + fact.offset] as number,
    };
  }

  write(number: number, { matched, offset }: PublishFacts): void {
    const columns = this.#columns;
    const row = this.#rowOf(number);
    columns.facts[row + fact.matched] = matched;
    columns.facts[row + fact.offset] = offset;
  }

  delete(number: number): void {
    if (!this.has(number)) return;
    this.#forget(number);
    // Else one id that is published in vain again and again would make its chain long.
    const { heads, shift } = this.#chains;
    const { links } = this.#columns;
    const place = number & this.#mask;
    const head = 2 * ((links[2 * place] as number) >>> shift);
    if (heads[head] === (number | 0)) heads[head] = links[2 * place + 1] as number;
  }

  /** Removes the oldest. */
  shift(): void {
    if (this.has(this.#first)) this.#forget(this.#first);
    this.#first += 1;
  }

  /** Where the numbers of a publish begin. */
  #rowOf(number: number): number {
    return factsWidth * (number & this.#mask);
  }

  #forget(number: number): void {
    this.#columns.ids[number & this.#mask] = undefined;
    this.#size -= 1;
  }

  #hash(sender: string, id: string): number {
    return this.#expected.find(sender, id) ?? this.#keys.of(sender, id);
  }

  #find(hash: number, sender: string, id: string): number {
    const { ids, senders, links } = this.#columns;
    const { heads, shift } = this.#chains;
    const { length } = this;
    const next = this.#next;
    const head = 2 * (hash >>> shift);
    if (((heads[head + 1] as number) & markOf(hash)) === 0) return -1;
    let number = heads[head] as number;
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
    const head = 2 * (hash >>> shift);
    const older = heads[head] as number;
    links[2 * place] = hash;
    links[2 * place + 1] = older;
    heads[head] = number;
    // A chain whose newest one is gone begins anew.
    const isLive = (number - older) >>> 0 <= number - this.#first;
    heads[head + 1] = (isLive ? (heads[head + 1] as number) : 0) | markOf(hash);
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
    facts: new Float64Array(factsWidth * places),
  };
}

function copyPlace(source: Columns, from: number, target: Columns, to: number): void {
  target.ids[to] = source.ids[from];
  target.senders[to] = source.senders[from] as string;
  const row = factsWidth * from;
  target.facts.set(source.facts.subarray(row, row + factsWidth), factsWidth * to);
}

/**
 * Where chains begin, by the upper bits of a hash: the number of the newest, at first one that is none any more, and the
 * marks of all that are in the chain. They end nearly every vain search before it comes to a link, which would not be in
 * the processor's caches.
 */
function createChains(places: number, none: number) {
  const bits = Math.min(evenBits, Math.log2(2 * places));
  const heads = new Int32Array(2 * 2 ** bits);
  for (let head = 0; head < heads.length; head += 2) heads[head] = none;
  return { heads, shift: 32 - bits };
}

/** One bit of 32, by bits of the hash that are next to those that choose the chain. */
function markOf(hash: number): number {
  return 1 << (hash >>> (32 - evenBits - 5));
}
