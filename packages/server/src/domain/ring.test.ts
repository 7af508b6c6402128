import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { runHistories } from "./histories.test-helper.ts";
import { columnOf, Ring } from "./ring.ts";

type Step = { readonly add: number } | { readonly remove: number } | { readonly keepEvery: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ add: fc.integer({ min: 1, max: 40 }) }),
  fc.record({ remove: fc.integer({ min: 1, max: 60 }) }),
  fc.record({ keepEvery: fc.integer({ min: 1, max: 5 }) }),
);

test("a ring holds what a list holds, whatever is added, removed and kept", async (context) => {
  await runHistories(context, { step, run: follow, count: 200 });
});

async function follow(steps: readonly Step[]): Promise<void> {
  const ring = new Ring((places) => ({
    numbers: new Float64Array(places),
    /** Two texts of a row lie side by side. */
    texts: columnOf(2 * places, ""),
  }));
  const list: number[] = [];
  let last = 0;
  for (const each of steps) {
    if ("add" in each) {
      for (let count = 0; count < each.add; count += 1) {
        const place = ring.push();
        last += 1;
        ring.columns.numbers[place] = last;
        ring.columns.texts[2 * place] = `number ${last}`;
        ring.columns.texts[2 * place + 1] = `half ${last / 2}`;
        list.push(last);
      }
    } else if ("remove" in each) {
      for (let count = 0; count < each.remove && list.length > 0; count += 1) {
        ring.shift();
        list.shift();
      }
    } else {
      const { numbers } = ring.columns;
      ring.keep((place) => (numbers[place] as number) % each.keepEvery === 0);
      list.splice(0, list.length, ...list.filter((number) => number % each.keepEvery === 0));
    }
    const places = Array.from(list, (_, index) => ring.placeOf(index));
    assert.equal(ring.length, list.length);
    assert.deepEqual(
      places.map((place) => ring.columns.numbers[place]),
      list,
    );
    assert.deepEqual(
      places.map((place) => ring.columns.texts.slice(2 * place, 2 * place + 2)),
      list.map((number) => [`number ${number}`, `half ${number / 2}`]),
    );
  }
}

test("a ring gives places back when it has emptied", () => {
  const ring = new Ring((places) => ({ numbers: new Float64Array(places) }));
  for (let count = 0; count < 10_000; count += 1) ring.push();
  assert.equal(ring.columns.numbers.length, 16_384);
  while (ring.length > 0) ring.shift();
  assert.ok(ring.columns.numbers.length <= 8, `${ring.columns.numbers.length} places`);
});
