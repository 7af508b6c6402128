import assert from "node:assert/strict";
import { test } from "node:test";
import { createHeaderSource, type Metadata } from "./metadata.ts";

test("pairs, a record and a function become headers", async () => {
  for (const source of [
    [["Authorization", "Bearer t"]] as const,
    { authorization: "Bearer t" },
    () => ({ authorization: "Bearer t" }),
    async (): Promise<Metadata> => [["authorization", "Bearer t"]],
  ]) {
    assert.deepEqual([...(await createHeaderSource(source)())], [["authorization", "Bearer t"]]);
  }
});

test("a function is asked every time", async () => {
  let token = 0;
  const headers = createHeaderSource(() => [["authorization", `Bearer ${++token}`]]);
  assert.equal((await headers()).get("authorization"), "Bearer 1");
  assert.equal((await headers()).get("authorization"), "Bearer 2");
});

test("what no header can carry is refused at once and the value is not shown", () => {
  for (const [name, value] of [
    ["a b", "x"],
    ["", "x"],
    ["x", "secret\n"],
    ["x", "secret ↑"],
    ["grpc-timeout", "1S"],
    ["Content-Type", "x"],
  ] as const) {
    assert.throws(
      () => createHeaderSource([[name, value]]),
      (error: Error & { code?: string }) => error.code === "invalid_argument" && !error.message.includes("secret"),
    );
  }
});

test("a function that fails makes the call unauthenticated, with its error as the cause", async () => {
  const cause = new Error("vault is sealed");
  const headers = createHeaderSource(() => Promise.reject(cause));
  await assert.rejects(headers(), { code: "unauthenticated", cause });
});
