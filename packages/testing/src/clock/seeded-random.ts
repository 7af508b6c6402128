/** A stream of numbers that is the same for the same seed and name, on every machine. */
export interface SeededRandom {
  /** From 0 up to, not including, 1. */
  next(): number;
  /** A UUID of version 4 in form. */
  uuid(): string;
}

/** Each name has a stream of its own, so that one more agent does not change the luck of the others. */
export function createSeededRandom(seed: number, name: string): SeededRandom {
  let state = seed >>> 0;
  for (const character of name) state = Math.imul(state ^ character.charCodeAt(0), 0x01_00_01_93) >>> 0;

  /** https://github.com/bryc/code/blob/master/jshash/PRNGs.md#mulberry32 */
  const bits = (): number => {
    state = (state + 0x6d_2b_79_f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  const hex = (): string => bits().toString(16).padStart(8, "0");
  return {
    next: () => bits() / 2 ** 32,
    uuid() {
      const [a, b, c, d] = [hex(), hex(), hex(), hex()];
      return `${a}-${b.slice(0, 4)}-4${b.slice(5)}-8${c.slice(1, 4)}-${c.slice(4)}${d}`;
    },
  };
}
