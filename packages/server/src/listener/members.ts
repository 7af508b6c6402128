/** Those that are here, and the moment when nobody is. */
export interface Members<Member> extends Iterable<Member> {
  readonly size: number;
  add(member: Member): void;
  delete(member: Member): void;
  /** Resolves when nobody is here, at once if that is so now. */
  whenEmpty(): Promise<void>;
}

export function createMembers<Member>(): Members<Member> {
  const members = new Set<Member>();
  let waiting: (() => void)[] = [];
  return {
    get size() {
      return members.size;
    },
    add: (member) => void members.add(member),
    delete(member) {
      members.delete(member);
      if (members.size > 0) return;
      for (const resolve of waiting) resolve();
      waiting = [];
    },
    whenEmpty: () => (members.size === 0 ? Promise.resolve() : new Promise((resolve) => void waiting.push(resolve))),
    [Symbol.iterator]: () => members.values(),
  };
}
