import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer as createHttpServer } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { Code, ConnectError } from "@connectrpc/connect";
import { MemoryService } from "@loom-bridge/protocol/messages";
import { generate } from "selfsigned";
import { type Bridge, createBridge } from "../../bridge.ts";
import { serve } from "../../serve.ts";
import { runToEnd } from "../terminal.test-helper.ts";

interface Report {
  readonly code: number;
  /** Step by step: "ok", "failed" or "skipped". */
  readonly statuses: readonly unknown[];
  /** The message and the advice of the step that failed. */
  readonly failure: string;
}

async function examine(address: string, ...options: string[]): Promise<Report> {
  const { code, json } = await runToEnd(["doctor", "--json", "--address", address, ...options]);
  const findings = json();
  const summary = findings.pop();
  assert.deepEqual(Object.keys(summary ?? {}), ["healthy", "address"]);
  assert.equal(summary?.["healthy"], code === 0);
  assert.deepEqual(
    findings.map(({ step }) => step),
    ["name", "port", "protocol", "bridge", "memory", "stream", "tools"],
  );
  const broken = findings.find(({ status }) => status === "failed");
  const statuses = findings.map(({ status }) => status);
  return { code, statuses, failure: broken === undefined ? "" : `${broken["message"]} / ${broken["advice"]}` };
}

/** Lets a server listen until the test ends, and returns its port. */
async function listening(t: TestContext, server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => sockets.add(socket));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return (server.address() as AddressInfo).port;
}

async function bridge(
  t: TestContext,
  { tls, change = {} }: { tls?: { cert: string; key: string }; change?: Partial<Bridge> } = {},
): Promise<string> {
  const served = { ...createBridge(), ...change };
  const server = await serve(served, { address: "127.0.0.1:0", ...(tls === undefined ? {} : { tls }) });
  t.after(() => server.close({ graceMs: 100 }));
  return server.address;
}

const healthy = ["ok", "ok", "ok", "ok", "ok", "ok", "ok"];
const failsAt = (step: number): string[] => [
  ...healthy.slice(0, step),
  "failed",
  ...healthy.slice(step + 1).map(() => "skipped"),
];

test("a healthy bridge passes every step, and doctor leaves nothing behind", async (t) => {
  const address = await bridge(t);
  const { code, statuses } = await examine(address);
  assert.deepEqual([code, statuses], [0, healthy]);
  assert.equal((await runToEnd(["agents", "--address", address])).output, "No agent is connected.\n");
});

test("a tool that should be there and is not is said", async (t) => {
  const { code, statuses, failure } = await examine(await bridge(t), "--tool", "web:search");
  assert.deepEqual([code, statuses], [1, [...healthy.slice(0, 6), "failed"]]);
  assert.match(failure, /^nobody provides "web:search" \/ Check that its agent is connected/);
});

test("where nothing listens, it says how to start a bridge there", async (t) => {
  const server = createTcpServer();
  const port = await listening(t, server);
  server.close();
  await once(server, "close");
  const { code, statuses, failure } = await examine(`127.0.0.1:${port}`);
  assert.deepEqual([code, statuses], [1, failsAt(1)]);
  assert.match(failure, new RegExp(`^nothing listens on port ${port} .*loom-bridge up --port ${port}`));
});

test("an older bridge without memory is told from one that works, and the steps after it are tried", async (t) => {
  const routes: Bridge["routes"] = (router) => {
    const service: typeof router.service = (type, implementation, options) =>
      type.typeName === MemoryService.typeName ? router : router.service(type, implementation, options);
    createBridge().routes({ ...router, service });
  };
  const { code, statuses, failure } = await examine(await bridge(t, { change: { routes } }));
  assert.deepEqual([code, statuses], [1, [...healthy.slice(0, 4), "failed", "ok", "ok"]]);
  assert.match(failure, /^unimplemented: HTTP 404 \/ This bridge is older than this command\. Update it\.$/);
});

test("a bridge that wants a token says so", async (t) => {
  const guard: Bridge["interceptors"][number] = (next) => (request) => {
    if (request.header.get("authorization") !== "Bearer key") throw new ConnectError("who?", Code.Unauthenticated);
    return next(request);
  };
  const address = await bridge(t, { change: { interceptors: [guard] } });
  const { statuses, failure } = await examine(address);
  assert.deepEqual(statuses, failsAt(3));
  assert.equal(failure, "unauthenticated: who? / Give a token with --token or LOOM_BRIDGE_TOKEN.");
  assert.deepEqual((await examine(address, "--token", "key")).statuses, healthy);
});

test("a name that does not exist is said", async () => {
  const { statuses, failure } = await examine("no-such-host.invalid:50051");
  assert.deepEqual(statuses, failsAt(0));
  assert.match(failure, /^the name "no-such-host\.invalid" cannot be resolved/);
});

test("a web server on the port is recognized", async (t) => {
  const port = await listening(
    t,
    createHttpServer((_request, response) => response.end("hello")),
  );
  const { statuses, failure } = await examine(`127.0.0.1:${port}`);
  assert.deepEqual(statuses, failsAt(2));
  assert.match(failure, /^port \d+ belongs to a web server that speaks HTTP\/1\.1 only/);
});

test("an HTTP/2 server that is no bridge is recognized", async (t) => {
  const server = createHttp2Server((_request, response) => response.writeHead(404).end());
  const { statuses, failure } = await examine(`127.0.0.1:${await listening(t, server)}`);
  assert.deepEqual(statuses, failsAt(3));
  assert.match(failure, /^an HTTP\/2 server answers that is no bridge, or an old one \(HTTP 404\)/);
});

test("a server that says nothing does not hold doctor up", async (t) => {
  const port = await listening(t, createTcpServer());
  const { statuses, failure } = await examine(`127.0.0.1:${port}`, "--timeout", "100");
  assert.deepEqual(statuses, failsAt(2));
  assert.match(failure, /^it accepts the connection and says nothing/);
});

test("TLS is told apart from plain text, in both directions, and trusted only with its certificate", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "loom-bridge-doctor-"));
  t.after(() => rm(folder, { recursive: true }));
  const pems = await generate([{ name: "commonName", value: "localhost" }], {
    extensions: [{ name: "subjectAltName", altNames: [{ type: 7, ip: "127.0.0.1" }] }],
  });
  const ca = join(folder, "ca.pem");
  await writeFile(ca, pems.cert);
  const secured = await bridge(t, { tls: { cert: pems.cert, key: pems.private } });

  const spokenPlain = await examine(secured);
  assert.deepEqual(spokenPlain.statuses, failsAt(2));
  assert.match(spokenPlain.failure, /speaks TLS, and it was spoken to without \/ Use --address https:\/\/127\.0\.0\.1/);

  const untrusted = await examine(`https://${secured}`);
  assert.deepEqual(untrusted.statuses, failsAt(2));
  assert.match(untrusted.failure, /certificate is not trusted \(DEPTH_ZERO_SELF_SIGNED_CERT\) .*--tls-ca/);

  assert.deepEqual((await examine(secured, "--tls-ca", ca)).statuses, healthy);

  const plain = await examine(await bridge(t), "--tls-ca", ca);
  assert.deepEqual(plain.statuses, failsAt(2));
  assert.match(plain.failure, /does not speak TLS .*Use --address http:\/\/127\.0\.0\.1/);
});
