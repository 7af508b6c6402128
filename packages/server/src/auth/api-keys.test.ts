import assert from "node:assert/strict";
import { test } from "node:test";
import type { Presented } from "../domain/access/authenticator.ts";
import { createApiKey } from "./api-key.ts";
import { createApiKeyAuthenticator } from "./api-keys.ts";
import { createPolicy, type Policy } from "./policy.ts";

const shown = (headers: Record<string, string>): Presented => ({
  header: new Headers(headers),
  certificate: undefined,
  remoteAddress: "",
});
const { key, id, hash } = createApiKey();
const policyWith = (entry: Record<string, unknown> = {}): Policy =>
  createPolicy({
    roles: { r: { admin: ["observe"] } },
    subjects: [{ subject: "alice", roles: ["r"] }],
    keys: [{ id, hash, subject: "alice", ...entry }],
  });

test("a key is known in either header, as its subject with what that is granted", () => {
  const keys = createApiKeyAuthenticator(() => policyWith({ expires: "2030-01-01T00:00:00Z" }));
  for (const headers of [
    { authorization: `Bearer ${key}` },
    { authorization: `bearer  ${key}` },
    { "x-api-key": key },
  ]) {
    const principal = keys.authenticate(shown(headers));
    assert.ok(principal !== undefined && !(principal instanceof Promise));
    assert.deepEqual(
      [principal.subject, principal.tenant, principal.expiresMs, principal.grants.admin.allow],
      ["alice", "", 1_893_456_000_000, ["observe"]],
    );
  }
});

test("a key that is wrong in any place is refused, and so is one whose id alone is known", () => {
  const keys = createApiKeyAuthenticator(policyWith);
  const other = createApiKey().key;
  const forged = [
    other,
    `${key}x`,
    key.slice(0, -1),
    `lbk_${id}_${other.split("_").slice(2).join("_")}`,
    `lbk_${id}_${"A".repeat(43)}`,
    "lbk_",
    `lbk_${"a".repeat(20_000)}`,
  ];
  for (const wrong of forged) {
    const attempt = (): unknown => keys.authenticate(shown({ "x-api-key": wrong }));
    assert.throws(attempt, { code: "unauthenticated", details: { reason: "CREDENTIALS_INVALID" } }, wrong.slice(0, 80));
  }
});

test("whoever shows no key is somebody else's to know", () => {
  const keys = createApiKeyAuthenticator(policyWith);
  assert.equal(keys.authenticate(shown({})), undefined);
  assert.equal(keys.authenticate(shown({ authorization: "Bearer eyJhbGciOiJFUzI1NiJ9.e30.x" })), undefined);
  assert.equal(keys.authenticate(shown({ authorization: "Basic YTpi" })), undefined);
});

test("keys are rotated without a restart: two at a time, then the new one alone", () => {
  const next = createApiKey();
  let policy = policyWith();
  const keys = createApiKeyAuthenticator(() => policy);
  const isKnown = (each: string): boolean => {
    try {
      return keys.authenticate(shown({ "x-api-key": each })) !== undefined;
    } catch {
      return false;
    }
  };
  assert.deepEqual([isKnown(key), isKnown(next.key)], [true, false]);
  const entry = (each: { id: string; hash: string }) => ({ id: each.id, hash: each.hash, subject: "alice" });
  policy = createPolicy({ keys: [entry({ id, hash }), entry(next)] });
  assert.deepEqual([isKnown(key), isKnown(next.key)], [true, true]);
  policy = createPolicy({ keys: [entry(next)] });
  assert.deepEqual([isKnown(key), isKnown(next.key)], [false, true]);
});

test("what a policy keeps of a key is not the key", () => {
  assert.match(hash, /^sha256:[0-9a-f]{64}$/);
  assert.ok(!hash.includes(key.slice(-20)));
  assert.notEqual(createApiKey().key, createApiKey().key);
});
