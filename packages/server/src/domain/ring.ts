type Column = Float64Array | Uint32Array | unknown[];

/** The least places of a ring. */
const leastPlaces = 4;

/**
 * Rows in the order in which they came, added at the end and removed at the front. Its columns are arrays, so that
 * thousands of rows that come and go with events are no objects for the collector of garbage to look at. Few and wide
 * columns are best: each is a place in memory of its own to touch for every event. It has at most eight times the places
 * that it needs.
 */
export class Ring<Columns extends Readonly<Record<string, Column>>> {
  readonly #create: (places: number) => Columns;
  #columns: Columns;
  #mask = leastPlaces - 1;
  #first = 0;
  #length = 0;

  /** @param create columns of so many places each, or of a multiple: then a row's values lie side by side in them */
  constructor(create: (places: number) => Columns) {
    this.#create = create;
    this.#columns = create(leastPlaces);
  }

  /** What rows are written to and read from, by their places. Others after `push` and `shift`. */
  get columns(): Columns {
    return this.#columns;
  }

  get length(): number {
    return this.#length;
  }

  /** The place of a row, counted from the front. */
  placeOf(index: number): number {
    return (this.#first + index) & this.#mask;
  }

  /** Adds a row and returns its place, which may hold what another left there. */
  push(): number {
    if (this.#length > this.#mask) this.#resize(2 * (this.#mask + 1));
    this.#length += 1;
    return this.placeOf(this.#length - 1);
  }

  /** Removes the first row. What its place refers to is let go of by whoever wrote it. */
  shift(): void {
    this.#first = (this.#first + 1) & this.#mask;
    this.#length -= 1;
    if (this.#mask >= leastPlaces && this.#length < (this.#mask + 1) / 8) this.#resize((this.#mask + 1) / 4);
  }

  /** Keeps the rows whose places are wanted, in their order. */
  keep(isWanted: (place: number) => boolean): void {
    const columns = Object.values(this.#columns);
    const places = this.#mask + 1;
    let kept = 0;
    for (let index = 0; index < this.#length; index += 1) {
      const from = this.placeOf(index);
      if (!isWanted(from)) continue;
      const to = this.placeOf(kept);
      if (to !== from) for (const column of columns) copyRow(column, from, column, to, column.length / places);
      kept += 1;
    }
    this.#length = kept;
  }

  #resize(wanted: number): void {
    const places = Math.max(leastPlaces, wanted);
    const columns = this.#create(places);
    for (const [name, column] of Object.entries(columns)) {
      const before = this.#columns[name] as Column;
      const width = column.length / places;
      for (let index = 0; index < this.#length; index += 1) copyRow(before, this.placeOf(index), column, index, width);
    }
    this.#columns = columns;
    this.#first = 0;
    this.#mask = places - 1;
  }
}

function copyRow(source: Column, from: number, target: Column, to: number, width: number): void {
  for (let offset = 0; offset < width; offset += 1)
    target[width * to + offset] = source[width * from + offset] as never;
}

/** A column of a ring that is no column of numbers. */
export function columnOf<Value>(places: number, value: Value): Value[] {
  return Array.from({ length: places }, () => value);
}
