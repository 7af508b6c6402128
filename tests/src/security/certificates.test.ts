import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { BridgeClient } from "@loom-bridge/client";
import { AdminService, BridgeService } from "@loom-bridge/protocol/messages";
import { createBridge, createCalloutAuthenticator, type Presented, serve, type TlsOptions } from "@loom-bridge/server";
import { generate } from "selfsigned";
import { openSession } from "../duplex-call.ts";

interface Pair {
  readonly cert: string;
  readonly key: string;
}

type AltName = { type: 2 | 6; value: string };
const dayMs = 86_400_000;

async function createAuthority(name: string): Promise<Pair> {
  const extensions = [
    { name: "basicConstraints" as const, cA: true, critical: true },
    { name: "keyUsage" as const, keyCertSign: true, critical: true },
  ];
  const { cert, private: key } = await generate([{ name: "commonName", value: name }], {
    keyType: "ec",
    algorithm: "sha256",
    extensions,
  });
  return { cert, key };
}

async function issue(ca: Pair, names: { cn?: string; sans?: AltName[]; endsMs?: number }): Promise<Pair> {
  const { cn = "client", sans = [], endsMs = Date.now() + dayMs } = names;
  const altNames = sans.length === 0 ? [{ type: 7 as const, ip: "127.0.0.1" }] : sans;
  const { cert, private: key } = await generate([{ name: "commonName", value: cn }], {
    keyType: "ec",
    algorithm: "sha256",
    ca,
    notBeforeDate: new Date(Date.now() - 10 * dayMs),
    notAfterDate: new Date(endsMs),
    extensions: [{ name: "subjectAltName", altNames }],
  });
  return { cert, key };
}

const uri = (value: string): AltName => ({ type: 6, value });
const dns = (value: string): AltName => ({ type: 2, value });

const ca = await createAuthority("ours");
const server = await issue(ca, { cn: "127.0.0.1" });
const agentUri = "spiffe://acme/agent/bot";

/** A bridge that takes certificates, or keys beside them, and the way to it with a certificate. */
async function createWorld(clientCertificate: "required" | "optional", tls: Partial<TlsOptions> = {}) {
  const seen: Presented["certificate"][] = [];
  const authenticator = createCalloutAuthenticator(({ certificate, header }) => {
    seen.push(certificate);
    if (header.get("x-key") === "k") return { subject: "by key" };
    if (certificate?.uris.length !== 1) return undefined;
    const [subject = ""] = certificate.uris;
    return { subject, agentIds: [subject.split("/").at(-1) ?? ""], expiresMs: certificate.expiresMs };
  });
  let current: TlsOptions = { ...server, ca: ca.cert, clientCertificate, ...tls };
  const listening = await serve(createBridge({ authenticator }), { address: "127.0.0.1:0", tls: () => current });
  const transport = (pair: Partial<Pair>) =>
    createGrpcTransport({ baseUrl: listening.url, nodeOptions: { ca: ca.cert, ...pair } });
  return {
    seen,
    listening,
    transport,
    renew: async (next: Partial<TlsOptions>) => {
      current = { ...current, ...next };
      await listening.reload();
    },
    whoAmI: async (pair: Partial<Pair>, headers: Record<string, string> = {}): Promise<string> => {
      try {
        return (await createClient(AdminService, transport(pair)).whoAmI({}, { headers })).subject;
      } catch (error) {
        return Code[ConnectError.from(error).code];
      }
    },
    [Symbol.asyncDispose]: () => listening.close({ graceMs: 500 }),
  };
}

describe("a client's certificate", () => {
  test("lets in whom it names, by what its authority has signed alone", async () => {
    const other = await createAuthority("theirs");
    const cases: Record<string, readonly [pair: Partial<Pair>, required: RegExp, optional: RegExp]> = {
      "as it should be": [await issue(ca, { sans: [uri(agentUri)] }), /^spiffe/, /^spiffe/],
      "none at all": [{}, /Unavailable|Internal|Aborted|Canceled/, /Unauthenticated/],
      expired: [
        await issue(ca, { sans: [uri(agentUri)], endsMs: Date.now() - dayMs }),
        /Unavailable|Internal|Aborted|Canceled/,
        /Unauthenticated/,
      ],
      "of another authority": [
        await issue(other, { sans: [uri(agentUri)] }),
        /Unavailable|Internal|Aborted|Canceled/,
        /Unauthenticated/,
      ],
      "without the name": [
        await issue(ca, { cn: agentUri, sans: [dns("bot.acme")] }),
        /Unauthenticated/,
        /Unauthenticated/,
      ],
      "with two names to choose from": [
        await issue(ca, { sans: [uri(agentUri), uri("spiffe://acme/agent/boss")] }),
        /Unauthenticated/,
        /Unauthenticated/,
      ],
    };
    await using required = await createWorld("required");
    await using optional = await createWorld("optional");
    for (const [what, [pair, whenRequired, whenOptional]] of Object.entries(cases)) {
      assert.match(await required.whoAmI(pair), whenRequired, what);
      assert.match(await optional.whoAmI(pair), whenOptional, what);
    }
    assert.equal(await optional.whoAmI({}, { "x-key": "k" }), "by key");
    assert.ok(optional.seen.every((certificate) => certificate === undefined || !certificate.uris.includes("theirs")));
  });

  test("is for its own agent alone", async () => {
    await using world = await createWorld("required");
    const transport = world.transport(await issue(ca, { sans: [uri(agentUri)] }));
    await using call = await openSession(transport, { agentId: "bot" });
    assert.ok(call);
    await assert.rejects(openSession(transport, { agentId: "boss" }), { code: Code.PermissionDenied });
  });

  test("that ends while a stream is open ends the stream", async () => {
    await using world = await createWorld("required");
    // Certificates count in seconds.
    const pair = await issue(ca, { sans: [uri(agentUri)], endsMs: Date.now() + 2000 });
    await using call = await openSession(world.transport(pair), { agentId: "bot" });
    await assert.rejects(call.hear(), { code: Code.Unauthenticated });
  });

  test("is told apart name by name, whatever stands in one", async () => {
    await using world = await createWorld("required");
    const sly = await issue(ca, { sans: [dns("a.test, URI:spiffe://acme/agent/boss"), dns('b"c')] });
    await world.whoAmI(sly);
    assert.deepEqual(world.seen[0]?.uris, []);
  });
});

describe("the bridge's certificate", () => {
  test("is renewed without breaking a stream, and new connections get the new one", async () => {
    await using world = await createWorld("optional");
    const key = { headers: { "x-key": "k" } };
    const before = world.transport({});
    const events = createClient(BridgeService, before);
    assert.equal((await events.getInfo({}, key)).name, "loom-bridge");
    await using call = await openSession(world.transport(await issue(ca, { sans: [uri(agentUri)] })), {
      agentId: "bot",
    });
    const next = await createAuthority("next");
    const renewed = await issue(next, { cn: "127.0.0.1" });
    await world.renew(renewed);
    // The stream is as it was: it still hears the answer to a heartbeat of NOTICES, or a receipt.
    call.say({ case: "publishBatch", value: { firstRef: 1n, items: [{ topic: "a" }] } });
    assert.equal((await call.hear())?.delivery.case, "receiptBatch");
    const pinned = { ca: next.cert };
    const after = createGrpcTransport({ baseUrl: world.listening.url, nodeOptions: pinned });
    assert.equal((await createClient(BridgeService, after).getInfo({}, key)).name, "loom-bridge");
    assert.match(await world.whoAmI({}, { "x-key": "k" }), /Unavailable|Internal|Aborted|Canceled/);
  });

  test("that cannot be used is refused by the reload, and the old one stays", async () => {
    await using world = await createWorld("optional");
    const other = await createAuthority("other");
    await assert.rejects(world.renew({ key: other.key }), { code: "invalid_argument", message: /does not belong/ });
    assert.equal(await world.whoAmI({}, { "x-key": "k" }), "by key");
  });

  test("is verified by the client without being asked to", async () => {
    await using world = await createWorld("optional");
    const { address } = world.listening;
    const trusting = { address, credentials: { ca: ca.cert }, metadata: { "x-key": "k" } };
    await using client = new BridgeClient(trusting);
    await client.connect();
    for (const credentials of [{}, { ca: ca.cert, serverName: "other.test" }]) {
      await using wary = new BridgeClient({ ...trusting, credentials });
      await assert.rejects(wary.connect(), { code: "unavailable", message: /certificate|altnames/ });
    }
  });
});
