const firstPlaces = 8;
/** Scatters numbers that follow each other: 2^32 divided by the golden ratio. */
const scatter = 0x9e3779b1;

/**
 * Values by whole numbers, for what comes and goes all the time. A `Map` that loses entries makes a table anew
 * again and again, and in V8 each old table refers to the next: once one of them is old, whatever they held outlives
 * collections, long after it was deleted. Of a call with others beside it that was 1.3 KB. This is one table that grows
 * with the most that were in it at once, and does not shrink. Numbers that others choose may all have one home: look-ups
 * take as many steps as there are entries then, so bound those.
 */
export class NumberMap<Value> {
  /** NaN: a free place. A number is at its home, or at one of the places behind it without a gap. */
  #numbers: Float64Array = new Float64Array(0);
  #values: (Value | undefined)[] = [];
  /** What is left of 32 bits is a place. */
  #shift = 32;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** In ascending order. */
  numbers(): number[] {
    return Array.from(this.#numbers.filter((number) => !Number.isNaN(number)).sort());
  }

  /** In the order of their numbers. */
  values(): Value[] {
    return this.numbers().map((number) => this.get(number) as Value);
  }

  has(number: number): boolean {
    return this.#size > 0 && this.#numbers[this.#placeOf(number)] === number;
  }

  get(number: number): Value | undefined {
    return this.#size === 0 ? undefined : this.#values[this.#placeOf(number)];
  }

  set(number: number, value: Value): void {
    // Never more than half full, so that there are gaps, and short ways to them.
    if (2 * this.#size >= this.#numbers.length) this.#grow();
    const place = this.#placeOf(number);
    if (this.#numbers[place] !== number) this.#size += 1;
    this.#numbers[place] = number;
    this.#values[place] = value;
  }

  /** Returns the value and forgets it. */
  take(number: number): Value | undefined {
    if (!this.has(number)) return undefined;
    const place = this.#placeOf(number);
    const value = this.#values[place];
    this.#size -= 1;
    this.#clear(place);
    return value;
  }

  clear(): void {
    this.#numbers = new Float64Array(0);
    this.#values = [];
    this.#shift = 32;
    this.#size = 0;
  }

  #homeOf(number: number): number {
    return Math.imul(number, scatter) >>> this.#shift;
  }

  /** Where the number is, or the free place where it would be. */
  #placeOf(number: number): number {
    const numbers = this.#numbers;
    const last = numbers.length - 1;
    let place = this.#homeOf(number);
    while (numbers[place] !== number && !Number.isNaN(numbers[place])) place = (place + 1) & last;
    return place;
  }

  /** Frees a place, and moves those behind it that would no longer be found. */
  #clear(freed: number): void {
    const numbers = this.#numbers;
    const last = numbers.length - 1;
    let free = freed;
    for (let place = (free + 1) & last; !Number.isNaN(numbers[place]); place = (place + 1) & last) {
      const number = numbers[place] as number;
      const stepsFromHome = (place - this.#homeOf(number)) & last;
      if (stepsFromHome < ((place - free) & last)) continue;
      numbers[free] = number;
      this.#values[free] = this.#values[place];
      free = place;
    }
    numbers[free] = Number.NaN;
    this.#values[free] = undefined;
  }

  #grow(): void {
    const [numbers, values] = [this.#numbers, this.#values];
    const places = Math.max(firstPlaces, 2 * numbers.length);
    this.#numbers = new Float64Array(places).fill(Number.NaN);
    this.#values = Array.from({ length: places }, () => undefined);
    this.#shift = 32 - Math.log2(places);
    for (const [at, number] of numbers.entries()) {
      if (Number.isNaN(number)) continue;
      const place = this.#placeOf(number);
      this.#numbers[place] = number;
      this.#values[place] = values[at];
    }
  }
}
