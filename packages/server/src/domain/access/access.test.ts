import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { LoomError } from "@loom-bridge/protocol";
import { Access, type OnDenied } from "./access.ts";
import { completeGrants, type Grants } from "./grants.ts";
import { anybody, type Principal } from "./principal.ts";

function principal(grants: Partial<Grants>, subject = "alice", tenant = ""): Principal {
  return { ...anybody, tenant, subject, grants: completeGrants(grants) };
}

function access(grants: Partial<Grants>, agentId?: string): Access {
  const whole = new Access(principal(grants));
  return agentId === undefined ? whole : whole.as(agentId);
}

const allow = (...patterns: string[]) => ({ allow: patterns, deny: [] });

test("without a rule nothing is allowed, except to hear one's own replies and see one's own agents", () => {
  const nobody = access({ "agents.as": allow("bot") }, "bot");
  assert.equal(nobody.may("topics.publish", "a"), false);
  assert.equal(nobody.may("tools.call", "web:search"), false);
  assert.equal(nobody.may("memory.read", "bot"), false);
  assert.equal(nobody.may("admin", "observe"), false);
  assert.equal(nobody.hear("**").hearing, "none");
  assert.equal(nobody.hear("agent.bot.replies").hearing, "all");
  assert.equal(nobody.hear("agent.other.replies").hearing, "none");
  assert.equal(nobody.may("agents.see", "bot"), true);
});

test("a deny beats every allow, whatever their order and however exact they are", () => {
  const tools = access({ "tools.call": { allow: ["web:*", "web:post"], deny: ["web:p*"] } });
  assert.deepEqual(tools.decide("tools.call", "web:post"), { allowed: false, rule: "deny web:p*" });
  assert.deepEqual(tools.decide("tools.call", "web:get"), { allowed: true, rule: "allow web:*" });
  assert.deepEqual(tools.decide("tools.call", "fs:read"), { allowed: false, rule: undefined });
});

describe("a subscription", () => {
  const orders = access({ "topics.subscribe": { allow: ["orders.**"], deny: ["orders.secret.**"] } });

  test("is allowed when one allow covers the whole of its filter", () => {
    for (const filter of ["orders.a", "orders.a.*", "orders.open.**"]) assert.equal(orders.hear(filter).hearing, "all");
    for (const filter of ["orders", "**", "*", "*.a", "other.a"]) assert.equal(orders.hear(filter).hearing, "none");
  });

  test("with a deny inside it hears the rest", () => {
    for (const filter of ["orders.**", "orders.*.a", "orders.*.*"]) assert.equal(orders.hear(filter).hearing, "some");
    assert.equal(orders.mayHear("orders.a", ""), true);
    assert.equal(orders.mayHear("orders.secret.a", ""), false);
  });

  test("that lies within a deny is refused", () => {
    for (const filter of ["orders.secret.**", "orders.secret.a"]) assert.equal(orders.hear(filter).hearing, "none");
  });

  test("to dead letters is one to the topics that they died on", () => {
    assert.equal(orders.hear("$dlq.orders.a").hearing, "all");
    assert.equal(orders.hear("$dlq.orders.secret.a").hearing, "none");
    assert.equal(orders.hear("$dlq.**").hearing, "none");
    assert.equal(orders.mayHear("$dlq.orders.secret.a", ""), false);
    const clerk = access({ "topics.subscribe": { allow: ["$dlq.**"], deny: ["orders.secret.**"] } });
    assert.equal(clerk.hear("$dlq.**").hearing, "some");
    assert.equal(clerk.mayHear("$dlq.orders.secret.a", ""), false);
    assert.equal(clerk.mayHear("$dlq.orders.a", ""), true);
    assert.equal(clerk.mayHear("orders.a", ""), false);
  });

  test("to everything hears nothing that the bridge says of itself", () => {
    const all = access({ "topics.subscribe": allow("**") });
    assert.equal(all.hear("**").hearing, "all");
    assert.equal(all.hear("$sys.agents.*.online").hearing, "none");
  });

  test("to who comes and goes hears of the agents that may be seen", () => {
    const watcher = access({ "topics.subscribe": allow("$sys.agents.**"), "agents.see": allow("team-*") });
    assert.equal(watcher.hear("$sys.agents.**").hearing, "some");
    assert.equal(watcher.mayHear("$sys.agents.team-a.online", "team-a"), true);
    assert.equal(watcher.mayHear("$sys.agents.other.online", "other"), false);
  });
});

describe("a name in a pattern", () => {
  test("is one segment of a topic, whatever it holds", () => {
    const odd = access({ "topics.publish": allow("desk.{{agent}}.**") }, "team.bot");
    assert.equal(odd.may("topics.publish", "desk.team:2ebot.orders"), true);
    assert.equal(odd.may("topics.publish", "desk.team.bot.orders"), false);
    for (const subject of ["*", "**", "a.b"]) {
      const sly = new Access(principal({ "topics.publish": allow("desk.{{subject}}") }, subject));
      assert.equal(sly.may("topics.publish", "desk.anybody"), false);
    }
  });

  test("is taken as it is in an id", () => {
    const own = new Access(principal({ "memory.write": allow("{{tenant}}/{{subject}}-*") }, "al*ce", "acme"));
    assert.equal(own.may("memory.write", "acme/al*ce-1"), true);
    assert.equal(own.may("memory.write", "acme/alice-1"), false);
  });

  test("that is not known allows nothing, and denies everything in its place", () => {
    const rules = { allow: ["**"], deny: ["private.{{agent}}"] };
    const unary = access({ "topics.publish": rules, "memory.read": allow("{{agent}}") });
    assert.equal(unary.may("topics.publish", "private.anybody"), false);
    assert.equal(unary.may("topics.publish", "private.anybody.more"), true);
    assert.equal(unary.may("memory.read", ""), false);
    assert.equal(access({ "topics.publish": rules }, "bot").may("topics.publish", "private.other"), true);
  });
});

test("a refusal says what was asked for, and the same whether it exists or not; the rule goes to the audit alone", () => {
  const noted: unknown[] = [];
  const onDenied: OnDenied = ({ principal: { subject } }, act, resource, rule) =>
    void noted.push([subject, act, resource, rule]);
  const grants = { "tools.call": { allow: ["*"], deny: ["web:post"] } };
  const denied = new Access(principal(grants), { onDenied });
  const refuse = (name: string): LoomError => {
    try {
      denied.check("tools.call", name);
    } catch (error) {
      assert.ok(LoomError.isInstance(error));
      return error;
    }
    return assert.fail("it was allowed");
  };
  const error = refuse("web:post");
  assert.equal(error.code, "permission_denied");
  assert.match(error.rawMessage, /may not call tool "web:post"; ask the bridge's operator for a grant of tools\.call/);
  assert.deepEqual(error.details, { act: "tools.call" });
  assert.deepEqual(noted, [["alice", "tools.call", "web:post", "deny web:post"]]);
});

test("what was decided before its grants changed is decided anew", () => {
  const changing = access({ "topics.publish": allow("a") });
  assert.equal(changing.may("topics.publish", "a"), true);
  changing.renew(principal({ "topics.publish": allow("b") }));
  assert.equal(changing.may("topics.publish", "a"), false);
  assert.equal(changing.may("topics.publish", "b"), true);
});

test("more topics than are remembered are decided as well", () => {
  const busy = access({ "topics.publish": { allow: ["a.**"], deny: ["a.13"] } });
  for (let round = 0; round < 2; round += 1) {
    for (let n = 0; n < 5000; n += 1) assert.equal(busy.may("topics.publish", `a.${n}`), n !== 13);
  }
});
