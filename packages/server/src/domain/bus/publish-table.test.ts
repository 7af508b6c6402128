import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { PublishTable } from "./publish-table.ts";

test("it agrees with a map, whatever is added, removed, replaced and expected, also while it grows", () => {
  const id = fc.nat({ max: 3000 }).map(String);
  const step = fc.oneof(
    { weight: 8, arbitrary: fc.record({ kind: fc.constantFrom("add", "delete"), id }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("shift"), id }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("expect"), id }) },
  );
  fc.assert(
    fc.property(fc.array(step, { minLength: 2500, maxLength: 6000, size: "max" }), (steps) => {
      const table = new PublishTable();
      const simple = new Map<string, number>();
      for (const [index, step] of steps.entries()) {
        const known = simple.get(step.id);
        assert.equal(table.find("s", step.id), known ?? -1);
        if (step.kind === "expect") {
          // What comes next, and one that does not.
          table.expect(
            steps.slice(index, index + 20).flatMap(({ id }) => ["s", "other"].map((sender) => ({ sender, id }))),
          );
        } else if (step.kind === "add") simple.set(step.id, table.add("s", step.id, 0));
        else if (step.kind === "delete" && known !== undefined) {
          table.delete(known);
          simple.delete(step.id);
        } else if (step.kind === "shift" && table.length > 0) {
          for (const [id, number] of simple) if (number === table.first) simple.delete(id);
          table.shift();
        }
        assert.equal(table.size, simple.size);
      }
      for (const [id, number] of simple) assert.equal(table.find("s", id), number);
    }),
    { numRuns: 20 },
  );
});

test("a hundred thousand senders with the same id are told apart, and found among each other's", () => {
  const table = new PublishTable();
  for (let sender = 0; sender < 100_000; sender += 1) assert.equal(table.add(`s${sender}`, "id", 0), sender);
  for (let sender = 0; sender < 100_000; sender += 1) assert.equal(table.find(`s${sender}`, "id"), sender);
  assert.equal(table.find("s100000", "id"), -1);
});

test("an id that is published in vain again and again is found no slower", () => {
  const table = new PublishTable();
  for (let attempt = 0; attempt < 100_000; attempt += 1) table.delete(table.add("s", "id", 0));
  assert.equal(table.size, 0);
  const number = table.add("s", "id", 0);
  assert.equal(table.find("s", "id"), number);
});

test("numbers that need more than 32 bits stay apart", { timeout: 60_000 }, () => {
  const table = new PublishTable(2 ** 32 - 1000);
  for (let index = 0; index < 5000; index += 1) {
    assert.equal(table.find("s", String(index)), -1);
    const number = table.add("s", String(index), 0);
    assert.equal(number, 2 ** 32 - 1000 + index);
    assert.equal(table.find("s", String(index)), number);
    if (table.length > 600) table.shift();
    assert.equal(table.find("s", String(index - 600)), -1);
    if (index >= 599) assert.equal(table.find("s", String(index - 599)), number - 599);
  }
});
