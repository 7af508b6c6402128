import assert from "node:assert/strict";

/** What was seen in the worlds of one kind: the lines of a witness, by the test that made the world. */
export type Seen = Map<string, readonly string[]>;

/** @throws AssertionError that shows the first thing that was seen otherwise than in the first kind of world */
export function expectSameSeen(seen: ReadonlyMap<string, Seen>): void {
  const [[first, expected] = ["", new Map() as Seen], ...others] = seen;
  for (const [kind, worlds] of others) {
    assert.deepEqual([...worlds.keys()], [...expected.keys()], `${kind} had other worlds than ${first}`);
    for (const [place, lines] of worlds) {
      const wanted = expected.get(place) ?? [];
      const longer = lines.length > wanted.length ? lines : wanted;
      const at = longer.findIndex((_, index) => lines[index] !== wanted[index]);
      if (at >= 0) assert.equal(lines[at], wanted[at], `${kind} differs from ${first} in "${place}"`);
    }
  }
}
