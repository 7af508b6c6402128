import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { AdminService, BridgeService, ErrorInfoSchema } from "@loom-bridge/protocol/messages";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { generate } from "selfsigned";
import { createBridge } from "../bridge.ts";
import { serve } from "../serve.ts";
import { createApiKey } from "./api-key.ts";
import { createConfiguredAuthenticator } from "./configured-authenticator.ts";

// A bridge behind real TLS that takes keys, tokens and certificates, and a policy file that is changed under it.

interface Pair {
  readonly cert: string;
  readonly key: string;
}

async function certify(name: string, ca?: Pair): Promise<Pair> {
  const { cert, private: key } = await generate([{ name: "commonName", value: name }], {
    keyType: "ec",
    algorithm: "sha256",
    ...(ca === undefined ? {} : { ca }),
    extensions: [
      { name: "basicConstraints", cA: ca === undefined },
      { name: "subjectAltName", altNames: [{ type: 7, ip: "127.0.0.1" }] },
    ],
  });
  return { cert, key };
}

const folder = await mkdtemp(join(tmpdir(), "loom-bridge-revoked-"));
after(() => rm(folder, { recursive: true }));
const ca = await certify("authority");
const [ownCertificate, alice, thief] = await Promise.all(["bridge", "alice", "thief"].map((name) => certify(name, ca)));
const { publicKey, privateKey } = await generateKeyPair("ES256", { extractable: true });
const apiKey = createApiKey();
const jwks = join(folder, "jwks.json");
await writeFile(jwks, JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: "k1", alg: "ES256" }] }));

const fingerprintOf = (pair: Pair | undefined): string => new X509Certificate(pair?.cert ?? "").fingerprint256;
const thumbprintOf = (pair: Pair | undefined): string =>
  Buffer.from(fingerprintOf(pair).replaceAll(":", ""), "hex").toString("base64url");

const sign = (claims: Record<string, unknown>): Promise<string> =>
  new SignJWT({ sub: "alice", ...claims })
    .setProtectedHeader({ alg: "ES256", kid: "k1" })
    .setIssuer("i")
    .setAudience("a")
    .setExpirationTime("1h")
    .sign(privateKey);

async function createWorld() {
  const policyPath = join(folder, "access.yaml");
  const write = (revoked: object): Promise<void> =>
    writeFile(
      policyPath,
      // JSON is YAML.
      JSON.stringify({
        roles: { hears: { topics: { subscribe: ["a"] } } },
        everyone: ["hears"],
        keys: [{ id: apiKey.id, hash: apiKey.hash, subject: "keeper" }],
        revoked,
      }),
    );
  await write({});
  const authenticator = await createConfiguredAuthenticator({
    kinds: ["keys", "jwt", "mtls"],
    policyPath,
    jwt: { issuer: "i", audience: "a", jwks },
    certificateName: "cn",
  });
  const tls = { ...(ownCertificate as Pair), ca: ca.cert, clientCertificate: "optional" } as const;
  const server = await serve(createBridge({ authenticator }), { address: "127.0.0.1:0", tls });
  const transport = (pair: Pair | undefined) =>
    createGrpcTransport({ baseUrl: server.url, nodeOptions: { ca: ca.cert, ...pair } });
  return {
    /** Who somebody is, or why it is nobody. */
    async whoIs(pair: Pair | undefined, token?: string): Promise<string> {
      const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
      return await reasonOf(
        async () => (await createClient(AdminService, transport(pair)).whoAmI({}, { headers })).subject,
      );
    },
    /** Opens a stream; the function that it returns waits for its end, and says why. */
    async open(pair: Pair | undefined, token?: string): Promise<() => Promise<string>> {
      const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
      const events = createClient(BridgeService, transport(pair)).subscribe({ filters: ["a"] }, { headers });
      const iterator = events[Symbol.asyncIterator]();
      await iterator.next();
      return () => reasonOf(async () => String((await iterator.next()).value));
    },
    async revoke(revoked: object) {
      await write(revoked);
      return await server.reload();
    },
    [Symbol.asyncDispose]: () => server.close({ graceMs: 500 }),
  };
}

async function reasonOf(attempt: () => Promise<string>): Promise<string> {
  try {
    return await attempt();
  } catch (error) {
    return ConnectError.from(error).findDetails(ErrorInfoSchema)[0]?.details["reason"] ?? String(error);
  }
}

describe("a token that is bound to a certificate", () => {
  test("counts on a connection with that certificate alone", async () => {
    await using world = await createWorld();
    const token = await sign({ cnf: { "x5t#S256": thumbprintOf(alice) } });
    assert.equal(await world.whoIs(alice, token), "alice");
    assert.equal(await world.whoIs(thief, token), "CREDENTIALS_UNBOUND");
    assert.equal(await world.whoIs(undefined, token), "CREDENTIALS_UNBOUND");
    assert.equal(await world.whoIs(undefined, await sign({})), "alice", "one that is not bound");
  });

  test("does not count when it is bound to what cannot be checked here", async () => {
    await using world = await createWorld();
    const bound = { "x5t#S256": thumbprintOf(alice) };
    for (const cnf of [{ jkt: "x" }, {}, null, "x", { ...bound, jkt: "x" }, { "x5t#S256": 1 }]) {
      assert.equal(await world.whoIs(alice, await sign({ cnf })), "CREDENTIALS_INVALID", JSON.stringify(cnf));
    }
  });
});

describe("what a policy revokes", () => {
  test("ends its open streams with the next reload, and is refused from then on; others notice nothing", async () => {
    await using world = await createWorld();
    const shown: Record<string, readonly [pair: Pair | undefined, token: string | undefined, revoked: object]> = {
      "a token": [undefined, await sign({ jti: "stolen" }), { tokens: ["stolen"] }],
      "an issuer's key": [undefined, await sign({ jti: "b" }), { tokenKeys: ["k1"] }],
      "a certificate, as openssl writes it": [alice, undefined, { certificates: [fingerprintOf(alice)] }],
      "a certificate that a token is shown with": [
        thief,
        await sign({ jti: "c" }),
        { certificates: [fingerprintOf(thief).replaceAll(":", "").toLowerCase()] },
      ],
      "a subject with a token": [undefined, await sign({ sub: "mallory" }), { subjects: [{ subject: "mallory" }] }],
      "a subject with a key": [undefined, apiKey.key, { subjects: [{ subject: "keeper" }] }],
    };
    for (const [what, [pair, token, revoked]] of Object.entries(shown)) {
      const isOfKey = what.includes("issuer");
      const end = await world.open(pair, token);
      const other = await world.open(undefined, isOfKey ? apiKey.key : await sign({ sub: "other", jti: "other" }));
      const { ended } = await world.revoke(revoked);
      assert.equal(ended, 1, what);
      assert.equal(await end(), "CREDENTIALS_REVOKED", what);
      assert.equal(await world.whoIs(pair, token), "CREDENTIALS_REVOKED", what);
      await world.revoke({});
      assert.notEqual(await world.whoIs(pair, token), "CREDENTIALS_REVOKED", what);
      await world.revoke({ subjects: [{ subject: "other" }, { subject: "keeper" }] });
      assert.equal(await other(), "CREDENTIALS_REVOKED", "it went on until then");
      await world.revoke({});
    }
  });

  test("and is none is refused, and what was revoked stays so", async () => {
    await using world = await createWorld();
    const token = await sign({ jti: "stolen" });
    await world.revoke({ tokens: ["stolen"] });
    for (const [revoked, problem] of [
      [{ certificates: ["12:34"] }, /revoked\.certificates\.0 is not the SHA-256 of a certificate/],
      [{ token: ["x"] }, /revoked Unrecognized key: "token"/],
      [{ subjects: ["x"] }, /revoked\.subjects\.0/],
    ] as const) {
      await assert.rejects(world.revoke(revoked), problem);
      assert.equal(await world.whoIs(undefined, token), "CREDENTIALS_REVOKED");
    }
  });
});
