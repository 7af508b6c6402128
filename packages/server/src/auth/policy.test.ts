import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Access } from "../domain/access/access.ts";
import { createPolicy } from "./policy.ts";

const hash = `sha256:${"0".repeat(64)}`;

test("a subject has what its roles, it itself and everybody are granted; a deny of one holds for all", () => {
  const policy = createPolicy({
    roles: {
      reader: { topics: { subscribe: ["orders.**"] } },
      careful: { topics: { subscribe: { deny: ["orders.secret.**"] } } },
      all: { agents: { as: ["{{subject}}"] } },
    },
    everyone: ["all"],
    subjects: [
      { subject: "alice", roles: ["reader", "careful"], grants: { tools: { call: ["web:*"] } }, limits: { agents: 3 } },
      { subject: "alice", tenant: "acme", roles: ["reader"] },
    ],
  });
  const alice = policy.principalOf("alice");
  const access = new Access(alice);
  assert.equal(alice.limits.agents, 3);
  assert.equal(access.may("agents.as", "alice"), true);
  assert.equal(access.may("topics.subscribe", "orders.a"), true);
  assert.equal(access.may("topics.subscribe", "orders.secret.a"), false);
  assert.equal(access.may("tools.call", "web:get"), true);
  const other = new Access(policy.principalOf("alice", { tenant: "acme" }));
  assert.equal(other.may("topics.subscribe", "orders.secret.a"), true);
  assert.equal(other.may("tools.call", "web:get"), false);
  const stranger = new Access(policy.principalOf("bob", { roles: ["reader"] }));
  assert.equal(stranger.may("topics.subscribe", "orders.a"), true);
  assert.equal(stranger.may("agents.as", "alice"), false);
});

describe("a policy that is wrong says where", () => {
  const cases: readonly (readonly [document: unknown, problem: RegExp])[] = [
    [{ rules: {} }, /Unrecognized key: "rules"/],
    [{ roles: { a: { topics: { publish: ["a.**.b"] } } } }, /roles\.a\.topics\.publish\.?\S* .*segment "\*\*"/],
    [{ roles: { a: { tools: { call: ["{{user}}:*"] } } } }, /roles\.a\.tools\.call\S* .*\{\{user\}\}; known are/],
    [{ everyone: ["ghost"] }, /everyone has the role "ghost", which roles does not define; there are none/],
    [{ roles: { a: {} }, subjects: [{ subject: "s", roles: ["b"] }] }, /the subject "s" has the role "b".*there are a/],
    [{ subjects: [{ subject: "s" }, { subject: "s" }] }, /subjects has "s" twice/],
    [{ subjects: [{ subject: "s", tenant: "A/b" }] }, /subjects\.0\.tenant is not up to 63 of a-z/],
    [{ keys: [{ id: "abcd", hash: "secret", subject: "s" }] }, /keys\.0\.hash is not sha256/],
    [{ keys: [{ id: "abcd", hash, subject: "s", expires: "tomorrow" }] }, /keys\.0\.expires/],
    [{ keys: [1, 2].map(() => ({ id: "abcd", hash, subject: "s" })) }, /keys has the id abcd twice/],
    [{ roles: { a: { admin: ["everything"] } } }, /roles\.a\.admin/],
    [[], /the file/],
  ];
  for (const [document, problem] of cases) {
    test(JSON.stringify(document).slice(0, 60), () => {
      assert.throws(() => createPolicy(document), { code: "invalid_argument", rawMessage: problem });
    });
  }
});

test("a token's role that the policy has not is refused, not passed over", () => {
  const policy = createPolicy({ roles: { a: {} } });
  assert.throws(() => policy.principalOf("s", { roles: ["admin"] }), { rawMessage: /the token has the role "admin"/ });
});
