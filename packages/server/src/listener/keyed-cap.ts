/** How many of something each key has, up to a maximum. Keys without any are forgotten. */
export interface KeyedCap {
  /** Takes one more; false, and nothing taken, when the key has the maximum. */
  enter(key: string): boolean;
  leave(key: string): void;
  /** Keys that have some. */
  readonly size: number;
}

export function createKeyedCap(maximum: number): KeyedCap {
  const counts = new Map<string, number>();
  return {
    enter(key) {
      const count = counts.get(key) ?? 0;
      if (count >= maximum) return false;
      counts.set(key, count + 1);
      return true;
    },
    leave(key) {
      const count = counts.get(key) ?? 0;
      if (count > 1) counts.set(key, count - 1);
      else counts.delete(key);
    },
    get size() {
      return counts.size;
    },
  };
}
