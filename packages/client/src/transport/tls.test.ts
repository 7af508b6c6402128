import assert from "node:assert/strict";
import { createSecureServer } from "node:http2";
import { after, before, test } from "node:test";
import { generate } from "selfsigned";
import { createAgent } from "../agent.ts";
import { BridgeClient } from "../bridge-client.ts";
import { ScriptedBridge } from "../scripted-bridge.test-helper.ts";

interface Identity {
  cert: string;
  key: string;
}

async function identity(name: string): Promise<Identity> {
  const extensions = [{ name: "subjectAltName" as const, altNames: [{ type: 2 as const, value: name }] }];
  const { cert, private: key } = await generate([{ name: "commonName", value: name }], { keyType: "ec", extensions });
  return { cert, key };
}

let server: Identity;
let client: Identity;
let bridge: ScriptedBridge;
let listening: Awaited<ReturnType<ScriptedBridge["listen"]>>;

before(async () => {
  [server, client] = await Promise.all([identity("bridge.test"), identity("client.test")]);
  bridge = new ScriptedBridge();
  // Asks for a client's certificate and trusts the one above alone.
  listening = await bridge.listen(
    createSecureServer({ ...server, ca: client.cert, requestCert: true, rejectUnauthorized: true }),
  );
});

after(() => listening.close());

const known = { serverName: "bridge.test" };

test("an agent works over TLS with certificates on both sides", async () => {
  const credentials = { ca: server.cert, ...client, ...known };
  const agent = createAgent({ id: "me", client: { address: listening.address, credentials } });
  await Promise.all([bridge.acceptAgent(), agent.start()]);
  assert.match(agent.client.address, /^https:/);
  await agent.stop();
});

test("a bridge whose certificate is not trusted, or has another name, is refused", async () => {
  for (const credentials of [
    { ...client, ...known },
    { ca: client.cert, ...client, ...known },
    { ca: server.cert, ...client, serverName: "other.test" },
  ]) {
    const connecting = new BridgeClient({ address: listening.address, credentials }).connect();
    await assert.rejects(connecting, { code: "unavailable", message: /certificate|altnames/ });
  }
});

test("a client without its certificate is refused by a bridge that asks for one", async () => {
  const credentials = { ca: server.cert, ...known };
  await assert.rejects(new BridgeClient({ address: listening.address, credentials }).connect(), {
    code: "unavailable",
  });
});
