import assert from "node:assert/strict";
import { connect as connectHttp2 } from "node:http2";
import { test } from "node:test";
import { createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { LoomError, systemRuntime } from "@loom-bridge/protocol";
import { BridgeService } from "@loom-bridge/protocol/messages";
import { silentLogger } from "../domain/logger.ts";
import { listen } from "./listen.ts";
import { exchange, infoPath, openSocket, startListener, streamPath, until } from "./listener.test-helper.ts";
import { envelope } from "./raw-http2.test-helper.ts";

test("plain JSON over HTTP/1.1 is answered", async (t) => {
  const { listener } = await startListener(t);
  const headers = { "content-type": "application/json", connection: "close" };
  const response = await fetch(`${listener.url}${infoPath}`, { method: "POST", headers, body: "{}" });
  assert.equal(response.status, 200);
  assert.deepEqual(await response.json(), { name: "test" });
});

const transports: Record<string, (baseUrl: string) => Transport> = {
  "Connect over HTTP/2": (baseUrl) => createConnectTransport({ baseUrl, httpVersion: "2" }),
  "Connect over HTTP/1.1": (baseUrl) => createConnectTransport({ baseUrl, httpVersion: "1.1" }),
  gRPC: (baseUrl) => createGrpcTransport({ baseUrl }),
  "gRPC-Web over HTTP/2": (baseUrl) => createGrpcWebTransport({ baseUrl, httpVersion: "2" }),
  "gRPC-Web over HTTP/1.1": (baseUrl) => createGrpcWebTransport({ baseUrl, httpVersion: "1.1" }),
};

for (const [name, transport] of Object.entries(transports)) {
  test(`${name} is answered, errors too`, async (t) => {
    const { listener } = await startListener(t);
    const client = createClient(BridgeService, transport(listener.url));
    assert.equal((await client.getInfo({})).name, "test");
    const cases: unknown[] = [];
    for await (const { delivery } of client.subscribe({})) cases.push(delivery.case);
    assert.deepEqual(cases, ["subscribed"]);
    await assert.rejects(client.getStats({}), { rawMessage: "internal error" });
    await assert.rejects(client.publish({}), { rawMessage: /not implemented/ });
  });
}

test("headers and the first message arrive while the client's stream is open and idle", async (t) => {
  const { listener, seen } = await startListener(t);
  const session = connectHttp2(listener.url);
  t.after(() => session.destroy());
  const stream = session.request({ ":method": "POST", ":path": streamPath, "content-type": "application/grpc" });
  const chunks: Buffer[] = [];
  let status: unknown;
  stream.on("response", (headers) => (status = headers[":status"]));
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  await until(() => chunks.length > 0);
  assert.equal(status, 200);
  assert.ok(Buffer.concat(chunks).length > 5);

  stream.end(envelope(Buffer.alloc(0)));
  const trailers = await new Promise<Record<string, unknown>>((resolve) => stream.once("trailers", resolve));
  assert.equal(trailers["grpc-status"], "0");
  assert.equal(seen.events.length, 1);
  assert.deepEqual(seen.ends, ["end"]);
});

test("a handler that throws is reported with its error, by the logger alone, and harms no later call", async (t) => {
  const console = t.mock.method(globalThis.console, "error");
  const { listener, lines } = await startListener(t);
  const client = createClient(BridgeService, createGrpcTransport({ baseUrl: listener.url }));
  await assert.rejects(client.getStats({}), { rawMessage: "internal error" });
  assert.equal((await client.getInfo({})).name, "test");
  assert.equal(lines.length, 1);
  assert.equal(lines[0]?.level, "error");
  assert.equal(lines[0]?.facts?.["rpc"], "loom.bridge.v1.BridgeService/GetStats");
  const error = lines[0]?.facts?.["error"];
  assert.ok(error instanceof Error);
  assert.match(String(error.stack), /the handler is broken[\s\S]*listener\.test-helper/);
  assert.equal(console.mock.callCount(), 0);
});

test("a stream whose handler throws is reported too", async (t) => {
  const { listener, lines } = await startListener(t, {
    routes: (router) =>
      void router.service(BridgeService, {
        async *subscribe() {
          yield { delivery: { case: "subscribed", value: {} } };
          throw new Error("the handler is broken");
        },
      }),
  });
  const client = createClient(BridgeService, createGrpcTransport({ baseUrl: listener.url }));
  await assert.rejects(
    async () => {
      for await (const { delivery } of client.subscribe({})) assert.equal(delivery.case, "subscribed");
    },
    { rawMessage: "internal error" },
  );
  assert.equal(String(lines[0]?.facts?.["error"]), "Error: the handler is broken");
});

test("an unknown path is answered 404, and the log cannot be flooded with it", async (t) => {
  const { listener, lines } = await startListener(t);
  for (let count = 0; count < 30; count += 1) {
    const response = await fetch(`${listener.url}/no/such/${count}`, { method: "POST", body: "x" });
    assert.equal(response.status, 404);
    await response.text();
  }
  assert.ok(lines.length >= 10 && lines.length < 30);
  assert.deepEqual(lines[0], {
    level: "info",
    message: "a request for an unknown path",
    facts: { peer: "127.0.0.1", path: "/no/such/0" },
  });
});

for (const host of ["[", "a:99999", "a%zz", "a b"]) {
  test(`the host ${JSON.stringify(host)} is answered 400 over HTTP/1.1, and the next call works`, async (t) => {
    const { listener } = await startListener(t);
    const head = `POST ${infoPath} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\n`;
    assert.match(await exchange(t, listener.port, `${head}Content-Length: 2\r\n\r\n{}`), /^HTTP\/1\.1 400 /);
    const client = createClient(BridgeService, createGrpcTransport({ baseUrl: listener.url }));
    assert.equal((await client.getInfo({})).name, "test");
  });

  test(`the authority ${JSON.stringify(host)} is refused over HTTP/2, and the next call works`, async (t) => {
    const { listener } = await startListener(t);
    const session = connectHttp2(listener.url);
    t.after(() => session.destroy());
    const call = (authority: string): Promise<unknown> =>
      new Promise((resolve) => {
        const stream = session.request({
          ":method": "POST",
          ":path": infoPath,
          ":authority": authority,
          "content-type": "application/json",
        });
        stream.once("response", (headers) => resolve(headers[":status"]));
        stream.once("error", () => resolve("reset"));
        stream.end("{}");
      });
    // Node itself resets a stream whose authority has a character that none may have.
    assert.equal(await call(host), host === "a b" ? "reset" : 400);
    assert.equal(await call("localhost"), 200);
  });
}

test("what is neither HTTP/1.1 nor HTTP/2 is closed", async (t) => {
  const { listener } = await startListener(t);
  for (const bytes of [
    "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "x".repeat(1000),
    "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n",
  ]) {
    await exchange(t, listener.port, `${bytes}\r\n\r\n`);
  }
  await until(() => listener.connections === 0);
});

test("the listener tells where it is, and how many are there", async (t) => {
  const { listener } = await startListener(t);
  assert.equal(listener.address, `127.0.0.1:${listener.port}`);
  assert.equal(listener.url, `http://127.0.0.1:${listener.port}`);
  assert.equal(listener.connections, 0);
  const socket = await openSocket(t, listener.port);
  await until(() => listener.connections === 1);
  socket.end();
  await until(() => listener.connections === 0);
});

test("an IPv6 address and every interface can be listened on", async (t) => {
  for (const address of ["[::1]:0", ":0"]) {
    const { listener } = await startListener(t, { address });
    const client = createClient(BridgeService, createGrpcTransport({ baseUrl: listener.url }));
    assert.equal((await client.getInfo({})).name, "test");
  }
});

test("a port in use, and a host of another machine, are refused with what to do", async (t) => {
  const { listener } = await startListener(t);
  const base = { logger: silentLogger, routes: () => {}, runtime: systemRuntime };
  await assert.rejects(listen({ ...base, address: listener.address }), (error: unknown) => {
    assert.ok(LoomError.isInstance(error));
    assert.equal(error.code, "failed_precondition");
    assert.equal(
      error.rawMessage,
      `port ${listener.port} is in use; stop the other bridge or choose another port with --address`,
    );
    return true;
  });
  await assert.rejects(listen({ ...base, address: "192.0.2.1:0" }), { code: "invalid_argument" });
  await assert.rejects(listen({ ...base, address: "nowhere" }), { code: "invalid_argument" });
});
