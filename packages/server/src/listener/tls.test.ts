import assert from "node:assert/strict";
import { request as requestHttp1 } from "node:https";
import { test } from "node:test";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { LoomError } from "@loom-bridge/protocol";
import { BridgeService } from "@loom-bridge/protocol/messages";
import { generate } from "selfsigned";
import { infoPath, openSocket, startListener, until } from "./listener.test-helper.ts";
import { readTlsOptions } from "./tls.ts";

const pair = await generate([{ name: "commonName", value: "localhost" }], {
  algorithm: "sha256",
  clientCertificate: true,
  extensions: [
    { name: "basicConstraints", cA: true },
    { name: "subjectAltName", altNames: [{ type: 7, ip: "127.0.0.1" }] },
  ],
});
const tls = { cert: pair.cert, key: pair.private };

test("TLS serves HTTP/2 and HTTP/1.1, chosen by ALPN", async (t) => {
  const { listener } = await startListener(t, { tls });
  assert.match(listener.url, /^https:\/\/127\.0\.0\.1:/);
  for (const httpVersion of ["2", "1.1"] as const) {
    const nodeOptions = { ca: pair.cert };
    const transport = createConnectTransport({ baseUrl: listener.url, httpVersion, nodeOptions });
    assert.equal((await createClient(BridgeService, transport).getInfo({})).name, "test");
  }
  const grpc = createGrpcTransport({ baseUrl: listener.url, nodeOptions: { ca: pair.cert } });
  assert.equal((await createClient(BridgeService, grpc).getInfo({})).name, "test");
});

test("a TLS client that knows no ALPN is served HTTP/1.1", async (t) => {
  const { listener } = await startListener(t, { tls });
  const status = await new Promise((resolve, reject) => {
    const options = {
      ALPNProtocols: [],
      agent: false as const,
      ca: pair.cert,
      headers: { "content-type": "application/json" },
      method: "POST",
    };
    requestHttp1(`${listener.url}${infoPath}`, options, (response) => resolve(response.resume().statusCode))
      .on("error", reject)
      .end("{}");
  });
  assert.equal(status, 200);
});

test("plain text on the TLS port is closed, and leaves nothing", async (t) => {
  const { listener } = await startListener(t, { tls });
  const socket = await openSocket(t, listener.port);
  socket.on("error", () => {}).resume();
  socket.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  await until(() => socket.closed && listener.connections === 0);
});

test("with tls.ca, a client needs a certificate signed by it", async (t) => {
  const { listener } = await startListener(t, { tls: { ...tls, ca: pair.cert } });
  const client = (nodeOptions: object) =>
    createClient(BridgeService, createGrpcTransport({ baseUrl: listener.url, nodeOptions }));
  await assert.rejects(client({ ca: pair.cert }).getInfo({}));
  const certificate = { cert: pair.clientcert ?? "", key: pair.clientprivate ?? "" };
  assert.equal((await client({ ca: pair.cert, ...certificate }).getInfo({})).name, "test");
});

test("a certificate or key that cannot be used is refused by its field, and the key is never shown", async () => {
  const other = await generate([], { algorithm: "sha256" });
  const cases: [Parameters<typeof readTlsOptions>[0], string][] = [
    [{ ...tls, cert: "/etc/cert.pem" }, "tls.cert"],
    [{ ...tls, key: pair.private.slice(0, 200) }, "tls.key"],
    [{ ...tls, key: other.private }, "tls.key"],
    [{ ...tls, ca: "" }, "tls.ca"],
  ];
  for (const [options, field] of cases) {
    assert.throws(
      () => readTlsOptions(options),
      (error: unknown) => {
        assert.ok(LoomError.isInstance(error));
        assert.equal(error.code, "invalid_argument");
        assert.equal(error.details["field"], field);
        assert.ok(error.rawMessage.startsWith(`${field} `));
        assert.ok(!`${error.stack}`.includes(pair.private.slice(40, 80)));
        return true;
      },
    );
  }
});
