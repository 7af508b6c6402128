import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { readPage, root } from "./markdown.ts";

const page = "docs/reference/promises.md";
const [, ...sections] = readPage(page).split(/^## /m);
const promises = sections.map((section) => ({
  title: section.split("\n", 1)[0] ?? "",
  tests: [...section.matchAll(/^- `([^`]+)`: (.+)$/gm)].map(([, file = "", name = ""]) => ({ file, name })),
}));

test("the promises are numbered from 1 to 18", () => {
  const numbers = promises.map(({ title }) => title.split(".", 1)[0]);
  assert.deepEqual(
    numbers,
    Array.from({ length: 18 }, (_, index) => `P${index + 1}`),
  );
});

for (const { title, tests } of promises) {
  test(`promise ${title} is held by tests that exist`, () => {
    assert.notEqual(tests.length, 0, "it names no test");
    for (const { file, name } of tests) {
      assert.ok(existsSync(join(root, file)), `there is no ${file}`);
      // The title as source code has it: a literal that begins a test.
      const isThere = readPage(file).includes(`test(${JSON.stringify(name)}`);
      assert.ok(isThere, `${file} has no test ${JSON.stringify(name)}`);
    }
  });
}
