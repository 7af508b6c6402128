import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { PublishTable } from "./publish-table.ts";

test("it agrees with a map, whatever is added, removed and replaced, also while it grows", () => {
  const id = fc.nat({ max: 3000 }).map(String);
  const step = fc.oneof(
    { weight: 8, arbitrary: fc.record({ kind: fc.constantFrom("add", "delete"), id }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("shift"), id }) },
  );
  fc.assert(
    fc.property(fc.array(step, { minLength: 2500, maxLength: 6000, size: "max" }), (steps) => {
      const table = new PublishTable();
      const simple = new Map<string, number>();
      for (const step of steps) {
        const known = simple.get(step.id);
        assert.equal(table.find("s", step.id), known ?? -1);
        if (step.kind === "add") simple.set(step.id, table.add("s", step.id, 0));
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
