import assert from "node:assert/strict";
import { test } from "node:test";
import { LoomError, systemRuntime } from "@loom-bridge/protocol";
import { TokenSource } from "./token-source.ts";

function jwt(expSec: number): string {
  return `e30.${Buffer.from(JSON.stringify({ exp: expSec })).toString("base64url")}.x`;
}

test("a function is asked once, whoever needs the token, and again when the bridge refused it", async () => {
  let asked = 0;
  const tokens = new TokenSource(async () => `t${(asked += 1)}`, systemRuntime);
  assert.deepEqual(await Promise.all([tokens.get(), tokens.get()]), ["t1", "t1"]);
  tokens.renew();
  assert.equal(await tokens.get(), "t2");
  assert.equal(tokens.canRenew, true);
  assert.equal(new TokenSource("fixed", systemRuntime).canRenew, false);
});

test("a JSON Web Token is replaced ten seconds before its end", async () => {
  let nowMs = 1_000_000;
  let asked = 0;
  const runtime = { ...systemRuntime, now: () => nowMs };
  const tokens = new TokenSource(() => {
    asked += 1;
    return jwt((nowMs + 60_000) / 1000);
  }, runtime);
  await tokens.get();
  nowMs += 49_999;
  await tokens.get();
  assert.equal(asked, 1);
  nowMs += 1;
  await tokens.get();
  assert.equal(asked, 2);
});

test("a function that fails is asked again, and its failure is one to try again after", async () => {
  let asked = 0;
  const tokens = new TokenSource(() => {
    asked += 1;
    if (asked === 1) throw new Error("the issuer is down");
    return "t";
  }, systemRuntime);
  await assert.rejects(tokens.get(), { code: "unavailable", retryable: true });
  assert.equal(await tokens.get(), "t");
});

test("what no header can carry is refused without showing it", async () => {
  const isHidden = (error: unknown): boolean =>
    LoomError.isInstance(error) && error.code === "invalid_argument" && !error.message.includes("s3cret");
  assert.throws(() => new TokenSource("s3cret\n", systemRuntime), isHidden);
  assert.throws(() => new TokenSource("", systemRuntime), /token is empty/);
  await assert.rejects(new TokenSource(() => "s3cret x", systemRuntime).get(), isHidden);
});
