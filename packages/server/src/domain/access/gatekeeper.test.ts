import assert from "node:assert/strict";
import { test } from "node:test";
import { LoomError } from "@loom-bridge/protocol";
import type { Logger } from "../logger.ts";
import { createManualRuntime } from "../manual-runtime.ts";
import type { Access } from "./access.ts";
import { createAudit } from "./audit.ts";
import type { Authenticator, Presented } from "./authenticator.ts";
import { createGatekeeper } from "./gatekeeper.ts";
import { completeGrants, type Grants } from "./grants.ts";
import { anybody, type Principal } from "./principal.ts";
import { unauthenticated } from "./refusals.ts";

function principal(subject: string, grants: Partial<Grants> = {}, expiresMs?: number): Principal {
  return { ...anybody, subject, grants: completeGrants(grants), expiresMs };
}

function showing(token: string | undefined, headers: Record<string, string> = {}): Presented {
  const header = new Headers({ ...headers, ...(token === undefined ? {} : { authorization: token }) });
  return { header, certificate: undefined, remoteAddress: "192.0.2.1" };
}

/** A gate whose keys are a map that a test changes. */
function createWorld(keys: Record<string, Principal> = {}, authenticator?: Authenticator) {
  const runtime = createManualRuntime();
  const lines: [string, Record<string, unknown>][] = [];
  const note: Logger["info"] = (message, facts = {}) => void lines.push([message, { ...facts }]);
  const logger: Logger = { debug: note, info: note, warn: note, error: note };
  const known = new Map(Object.entries(keys));
  const byKey: Authenticator = {
    async authenticate({ header }) {
      const key = header.get("authorization");
      if (key === null) return undefined;
      const found = known.get(key);
      if (found === undefined) throw unauthenticated("invalid");
      return found;
    },
  };
  const gate = createGatekeeper({
    authenticator: authenticator ?? byKey,
    runtime,
    logger,
    audit: createAudit(logger, runtime),
  });
  const hold = (access: Access) => {
    const heard: string[] = [];
    const release = gate.hold(access, {
      end: ({ code, retryable, details }) => heard.push(`${code} ${details["reason"]} ${retryable}`),
      changed: () => heard.push("changed"),
    });
    return { heard, release };
  };
  return { runtime, gate, known, hold, lines };
}

const isReason = (reason: string) => (error: unknown) =>
  LoomError.isInstance(error) && error.code === "unauthenticated" && error.details["reason"] === reason;

test("whoever shows nothing, something wrong or something old is refused, and it is noted where from", async () => {
  const { gate, known, runtime, lines } = createWorld();
  known.set("old", principal("alice", {}, runtime.now()));
  await assert.rejects(async () => await gate.admit(showing(undefined)), isReason("CREDENTIALS_MISSING"));
  await assert.rejects(async () => await gate.admit(showing("wrong")), isReason("CREDENTIALS_INVALID"));
  await assert.rejects(async () => await gate.admit(showing("old")), isReason("CREDENTIALS_EXPIRED"));
  assert.deepEqual(
    lines.map(([message, { remoteAddress }]) => [message, remoteAddress]),
    Array.from({ length: 3 }, () => ["audit: credentials refused", "192.0.2.1"]),
  );
});

test("an authenticator that breaks or does not answer lets nobody in, and says nothing of why", async () => {
  for (const authenticate of [
    () => {
      throw new Error("the secret is hunter2");
    },
    () => Promise.reject(new Error("the secret is hunter2")),
  ]) {
    const { gate } = createWorld({}, { authenticate });
    await assert.rejects(
      async () => await gate.admit(showing("k")),
      (error: unknown) => LoomError.isInstance(error) && error.code === "unavailable" && !/hunter/.test(error.message),
    );
  }
  const { gate, runtime } = createWorld({}, { authenticate: () => new Promise(() => {}) });
  const asked = Promise.resolve(gate.admit(showing("k")));
  runtime.advance(5000);
  await assert.rejects(asked, { code: "unavailable" });
});

test("a stream ends when its credentials do, so that who can get new ones comes back", async () => {
  const { gate, known, hold, runtime } = createWorld();
  known.set("k", principal("alice", {}, runtime.now() + 60_000));
  const { heard } = hold(await gate.admit(showing("k")));
  runtime.advance(59_999);
  assert.deepEqual(heard, []);
  runtime.advance(1);
  assert.deepEqual(heard, ["unauthenticated CREDENTIALS_EXPIRED true"]);
});

test("credentials that last longer than a timer can are watched over too", async () => {
  const { gate, known, hold, runtime } = createWorld();
  const forty = 40 * 86_400_000;
  known.set("k", principal("alice", {}, runtime.now() + forty));
  const { heard, release } = hold(await gate.admit(showing("k")));
  runtime.advance(2 ** 31 - 1);
  assert.deepEqual(heard, []);
  runtime.advance(forty);
  assert.equal(heard.length, 1);
  release();
});

test("a stream that is over is not watched any more", async () => {
  const { gate, known, hold, runtime } = createWorld();
  known.set("k", principal("alice", {}, runtime.now() + 1000));
  const { heard, release } = hold(await gate.admit(showing("k")));
  release();
  known.delete("k");
  runtime.advance(5000);
  assert.deepEqual(await gate.reload(), { unchanged: 0, changed: 0, ended: 0, unknown: 0 });
  assert.deepEqual(heard, []);
});

test("after a reload, revoked ones end, changed ones know it, and nobody else notices", async () => {
  const { gate, known, hold } = createWorld({
    a: principal("alice"),
    b: principal("bob"),
    c: principal("carol"),
    d: principal("dora"),
  });
  const [alice, bob, carol, dora] = await Promise.all(
    ["a", "b", "c", "d"].map(async (key) => {
      const access = await gate.admit(showing(key));
      return hold(access.as("bot"));
    }),
  );
  const bobs = hold(await gate.admit(showing("b")));
  known.delete("a");
  known.set("b", principal("bob", { "topics.publish": { allow: ["b"], deny: [] } }));
  known.set("d", principal("somebody else"));
  assert.deepEqual(await gate.reload(), { unchanged: 1, changed: 2, ended: 2, unknown: 0 });
  assert.deepEqual(alice?.heard, ["unauthenticated CREDENTIALS_REVOKED true"]);
  assert.deepEqual(bob?.heard, ["changed"]);
  assert.deepEqual(bobs.heard, ["changed"]);
  assert.deepEqual(carol?.heard, []);
  assert.deepEqual(dora?.heard, ["unauthenticated CREDENTIALS_REVOKED true"]);
});

test("who was let in before a reload and opens its stream after it is asked again", async () => {
  const { gate, known, hold } = createWorld({ a: principal("alice") });
  const access = await gate.admit(showing("a"));
  known.delete("a");
  await gate.reload();
  const { heard } = hold(access);
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(heard, ["unauthenticated CREDENTIALS_REVOKED true"]);
});

test("those about whom nobody answers hold up few others, and for five seconds", async () => {
  const isSlow = (header: Presented["header"]): boolean => header.get("authorization")?.startsWith("slow") === true;
  let isRevoked = false;
  const { gate, runtime, hold } = createWorld(
    {},
    {
      authenticate({ header }) {
        if (!isRevoked) return principal("alice");
        if (isSlow(header)) return new Promise<never>(() => {});
        throw unauthenticated("invalid");
      },
    },
  );
  const open = async (count: number, name: string) =>
    await Promise.all(Array.from({ length: count }, async () => hold(await gate.admit(showing(name)))));
  const slow = await open(150, "slow");
  const others = await open(300, "revoked");
  isRevoked = true;
  const reloaded = gate.reload();
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(others.filter(({ heard }) => heard.length > 0).length, 0);
  runtime.advance(5000);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(others.filter(({ heard }) => heard.length > 0).length, 300);
  runtime.advance(5000);
  assert.deepEqual(await reloaded, { unchanged: 0, changed: 0, ended: 300, unknown: 150 });
  assert.deepEqual(
    slow.flatMap(({ heard }) => heard),
    [],
  );
});

test("when it cannot be found out who somebody is now, its stream goes on", async () => {
  let isDown = false;
  const { gate, hold } = createWorld(
    {},
    {
      authenticate() {
        if (isDown) throw new LoomError("unavailable", "no keys");
        return principal("alice");
      },
    },
  );
  const { heard } = hold(await gate.admit(showing("a")));
  isDown = true;
  assert.deepEqual(await gate.reload(), { unchanged: 0, changed: 0, ended: 0, unknown: 1 });
  assert.deepEqual(heard, []);
});

test("a call without a session speaks for the agent that it names, or the only one that it may be", async () => {
  const as = (...patterns: string[]) => principal("alice", { "agents.as": { allow: patterns, deny: [] } });
  const { gate } = createWorld({ one: as("bot"), self: as("{{subject}}"), many: as("bot-*"), two: as("a", "b") });
  const agentOf = async (key: string, named?: string): Promise<string | undefined> =>
    (await gate.admit(showing(key, named === undefined ? {} : { "loom-agent-id": named }))).agentId;
  assert.equal(await agentOf("one"), "bot");
  assert.equal(await agentOf("self"), "alice");
  assert.equal(await agentOf("many"), undefined);
  assert.equal(await agentOf("two"), undefined);
  assert.equal(await agentOf("many", "bot-7"), "bot-7");
  await assert.rejects(agentOf("many", "boss"), { code: "permission_denied" });
  await assert.rejects(agentOf("many", "bot-*"), { code: "invalid_argument" });
});

test("refusals of one peer are noted ten times a second, and how many were left out", async () => {
  const { gate, runtime, lines } = createWorld();
  for (let n = 0; n < 1000; n += 1) await assert.rejects(async () => await gate.admit(showing("wrong")));
  assert.equal(lines.length, 10);
  runtime.advance(1000);
  await assert.rejects(async () => await gate.admit(showing("wrong")));
  assert.equal(lines.at(-1)?.[1]["leftOut"], 990);
});
