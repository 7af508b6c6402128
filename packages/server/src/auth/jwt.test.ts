import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { LoomError, systemRuntime } from "@loom-bridge/protocol";
import { exportJWK, exportSPKI, generateKeyPair, type JSONWebKeySet, type JWTPayload, SignJWT } from "jose";
import type { Presented } from "../domain/access/authenticator.ts";
import { createJwtAuthenticator } from "./jwt.ts";
import { openKeySet } from "./key-set.ts";
import { createPolicy } from "./policy.ts";

const issuer = "https://issuer.test";
const audience = "bridge.test";
const policy = createPolicy({
  roles: { reader: { topics: { subscribe: ["a.**"] } } },
  subjects: [{ subject: "alice", roles: ["reader"] }],
});

async function createIssuer(kid = "k1", alg = "ES256") {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid, alg };
  const sign = (claims: Record<string, unknown> = {}, header: Record<string, unknown> = {}): Promise<string> =>
    new SignJWT({ iss: issuer, aud: audience, sub: "alice", exp: now() + 60, ...claims } as JWTPayload)
      .setProtectedHeader({ alg, kid, ...header })
      .sign(privateKey);
  return { jwk, sign, publicKey };
}

const now = (): number => Math.floor(Date.now() / 1000);
const shown = (token: string): Presented => ({
  header: new Headers({ authorization: `Bearer ${token}` }),
  certificate: undefined,
  remoteAddress: "",
});

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "loom-bridge-jwt-"));
  t.after(() => rm(path, { recursive: true }));
  return path;
}

async function authenticatorOf(t: TestContext, keys: JSONWebKeySet["keys"], claim?: string) {
  const file = join(await folder(t), "jwks.json");
  await writeFile(file, JSON.stringify({ keys }));
  const keySet = await openKeySet(file);
  const options = { issuer, audience, keys: keySet.keys, ...(claim === undefined ? {} : { claim }) };
  return { file, keySet, jwt: createJwtAuthenticator(() => policy, options) };
}

const reasonOf = async (attempt: unknown): Promise<string> => {
  try {
    await attempt;
    return "let in";
  } catch (error) {
    assert.ok(LoomError.isInstance(error));
    return error.details["reason"] ?? error.code;
  }
};

test("each algorithm with a public key is taken, and the subject has what the policy and the token grant", async (t) => {
  for (const alg of ["RS256", "PS384", "ES256", "ES512", "EdDSA"]) {
    const one = await createIssuer("k", alg);
    const { jwt } = await authenticatorOf(t, [one.jwk]);
    const grants = { tools: { call: ["web:*"] } };
    const principal = await jwt.authenticate(shown(await one.sign({ loom: { grants } })));
    assert.deepEqual(
      [principal?.subject, principal?.grants["topics.subscribe"].allow, principal?.grants["tools.call"].allow],
      ["alice", ["a.**"], ["web:*"]],
      alg,
    );
    assert.ok((principal?.expiresMs ?? 0) > Date.now());
  }
});

describe("a token", () => {
  test("that is wrong in one thing is refused", async (t) => {
    const good = await createIssuer();
    const stranger = await createIssuer();
    const { jwt } = await authenticatorOf(t, [good.jwk]);
    const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
    const claims = { iss: issuer, aud: audience, sub: "alice", exp: now() + 60 };
    const valid = await good.sign();
    const publicPem = new TextEncoder().encode(await exportSPKI(good.publicKey));
    const confused = await new SignJWT(claims).setProtectedHeader({ alg: "HS256", kid: "k1" }).sign(publicPem);
    const cases: Record<string, readonly [token: string, reason: string]> = {
      "as it should be": [valid, "let in"],
      expired: [await good.sign({ exp: now() - 60 }), "CREDENTIALS_EXPIRED"],
      "not valid yet": [await good.sign({ nbf: now() + 60 }), "CREDENTIALS_INVALID"],
      "without an end": [await good.sign({ exp: undefined }), "CREDENTIALS_INVALID"],
      "without a subject": [await good.sign({ sub: undefined }), "CREDENTIALS_INVALID"],
      "with an empty subject": [await good.sign({ sub: "" }), "CREDENTIALS_INVALID"],
      "of another issuer": [await good.sign({ iss: "https://other.test" }), "CREDENTIALS_INVALID"],
      "without an issuer": [await good.sign({ iss: undefined }), "CREDENTIALS_INVALID"],
      "for somebody else": [await good.sign({ aud: "other" }), "CREDENTIALS_INVALID"],
      "signed by another key of that name": [await stranger.sign(), "CREDENTIALS_INVALID"],
      "with an unknown key": [await good.sign({}, { kid: "k2" }), "CREDENTIALS_INVALID"],
      "without a key's name": [await good.sign({}, { kid: undefined }), "CREDENTIALS_INVALID"],
      "with no signature (alg none)": [`${part({ alg: "none", kid: "k1" })}.${part(claims)}.`, "CREDENTIALS_INVALID"],
      "signed with the public key as a secret": [confused, "CREDENTIALS_INVALID"],
      "with other claims under its signature": [
        [valid.split(".")[0], part({ ...claims, sub: "root" }), valid.split(".")[2]].join("."),
        "CREDENTIALS_INVALID",
      ],
      "with a critical header": [
        await good.sign({}, { crit: ["x"], x: 1 }).catch(() => "a.b.c"),
        "CREDENTIALS_INVALID",
      ],
      "of 16 kB": [await good.sign({ pad: "x".repeat(16_000) }), "CREDENTIALS_INVALID"],
      "with a role that there is not": [await good.sign({ loom: { roles: ["root"] } }), "CREDENTIALS_INVALID"],
      "with grants that are none": [await good.sign({ loom: { grants: { topics: "all" } } }), "CREDENTIALS_INVALID"],
      "with a tenant that is none": [await good.sign({ loom: { tenant: "../x" } }), "CREDENTIALS_INVALID"],
      "that is none": ["not-a-token", "CREDENTIALS_INVALID"],
      "with its clock five seconds late": [await good.sign({ exp: now() - 2 }), "let in"],
    };
    for (const [what, [token, reason]] of Object.entries(cases)) {
      assert.equal(await reasonOf(jwt.authenticate(shown(token))), reason, what);
    }
  });

  test("says nothing of grants where the operator wants no claim", async (t) => {
    const one = await createIssuer();
    const { jwt } = await authenticatorOf(t, [one.jwk], "");
    const principal = await jwt.authenticate(shown(await one.sign({ loom: { tenant: "acme", roles: ["root"] } })));
    assert.equal(principal?.tenant, "");
  });
});

test("a token that was checked is not checked again for a minute, nor beyond its end, and has the policy of now", async (t) => {
  const one = await createIssuer();
  const { keySet } = await authenticatorOf(t, [one.jwk]);
  let nowMs = Date.now();
  let checks = 0;
  let current = policy;
  const jwt = createJwtAuthenticator(() => current, {
    issuer,
    audience,
    runtime: { ...systemRuntime, now: () => nowMs },
    keys(header, token) {
      checks += 1;
      return keySet.keys(header, token);
    },
  });
  const token = shown(await one.sign({ exp: now() + 90 }));
  const ask = async (): Promise<readonly string[]> =>
    (await jwt.authenticate(token))?.grants["topics.subscribe"].allow ?? [];
  assert.deepEqual([await ask(), await ask(), checks], [["a.**"], ["a.**"], 1]);
  current = createPolicy({});
  assert.deepEqual([await ask(), checks], [[], 1]);
  nowMs += 60_000;
  assert.deepEqual([await ask(), checks], [[], 2]);
  nowMs += 29_000;
  assert.deepEqual([await ask(), checks], [[], 2]);
  nowMs += 2000;
  assert.deepEqual([await ask(), checks], [[], 3]);
});

test("keys in a file are rotated by a reload, and a file that is none changes nothing", async (t) => {
  const [old, next] = [await createIssuer("old"), await createIssuer("new")];
  const { jwt, file, keySet } = await authenticatorOf(t, [old.jwk]);
  await writeFile(file, JSON.stringify({ keys: [next.jwk] }));
  assert.equal(await reasonOf(jwt.authenticate(shown(await next.sign()))), "CREDENTIALS_INVALID");
  const early = await old.sign();
  assert.equal(await reasonOf(jwt.authenticate(shown(early))), "let in");
  await keySet.reload();
  jwt.forget();
  assert.equal(await reasonOf(jwt.authenticate(shown(await next.sign()))), "let in");
  assert.equal(await reasonOf(jwt.authenticate(shown(early))), "CREDENTIALS_INVALID");
  await writeFile(file, "{");
  await assert.rejects(keySet.reload(), { code: "invalid_argument", rawMessage: /is no JSON Web Key Set/ });
  assert.equal(await reasonOf(jwt.authenticate(shown(await next.sign()))), "let in");
});

describe("keys at an address", () => {
  async function serveKeys(t: TestContext, answer: () => string | undefined) {
    let requests = 0;
    const server = createServer((_request, response) => {
      requests += 1;
      const body = answer();
      if (body === undefined) response.statusCode = 503;
      response.setHeader("content-type", "application/json").end(body);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    t.after(() => new Promise((resolve) => server.close(resolve)));
    const { port } = server.address() as AddressInfo;
    return { url: `http://127.0.0.1:${port}/jwks.json`, requests: () => requests };
  }

  test("are asked for when needed, kept, and had anew by a reload", async (t) => {
    const [old, next] = [await createIssuer("old"), await createIssuer("new")];
    let keys = [old.jwk];
    const source = await serveKeys(t, () => JSON.stringify({ keys }));
    const keySet = await openKeySet(source.url);
    const jwt = createJwtAuthenticator(() => policy, { issuer, audience, keys: keySet.keys });
    assert.equal(source.requests(), 0);
    for (let n = 0; n < 3; n += 1) {
      assert.equal(await reasonOf(jwt.authenticate(shown(await old.sign()))), "let in");
    }
    assert.equal(source.requests(), 1);
    keys = [next.jwk];
    // Unknown keys make it ask, but not for every one: whoever makes them up would choose how often.
    for (let n = 0; n < 3; n += 1) {
      assert.equal(await reasonOf(jwt.authenticate(shown(await next.sign()))), "CREDENTIALS_INVALID");
    }
    assert.equal(source.requests(), 1);
    await keySet.reload();
    assert.equal(await reasonOf(jwt.authenticate(shown(await next.sign()))), "let in");
    assert.equal(await reasonOf(jwt.authenticate(shown(await old.sign()))), "CREDENTIALS_INVALID");
  });

  test("that cannot be had refuse nobody for good: the call may be tried again", async (t) => {
    const one = await createIssuer();
    for (const answer of [() => undefined, () => "no json", () => "x".repeat(300_000)]) {
      const source = await serveKeys(t, answer);
      const jwt = createJwtAuthenticator(() => policy, { issuer, audience, keys: (await openKeySet(source.url)).keys });
      assert.equal(await reasonOf(jwt.authenticate(shown(await one.sign()))), "unavailable");
    }
  });

  test("are not asked for without encryption, except on this machine", async () => {
    await assert.rejects(openKeySet("http://issuer.test/jwks.json"), { rawMessage: /write https:\/\// });
  });
});
