import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { type ClientHttp2Stream, connect as connectHttp2, constants } from "node:http2";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { BridgeService } from "@loom-bridge/protocol/messages";
import {
  createManualTimers,
  infoPath,
  openSocket,
  silence,
  startListener,
  statsPath,
  streamPath,
  until,
} from "./listener.test-helper.ts";

test("closing ends every open stream with UNAVAILABLE at once, and leaves no connection", async (t) => {
  const { listener, seen } = await startListener(t);
  const streams = Array.from({ length: 50 }, async () => {
    const client = createClient(BridgeService, createGrpcTransport({ baseUrl: listener.url }));
    let messages = 0;
    try {
      for await (const _ of client.stream(silence(t))) messages += 1;
    } catch (error) {
      return [messages, ConnectError.from(error).code, ConnectError.from(error).rawMessage];
    }
    return undefined;
  });
  await until(() => seen.contexts.length === 50);
  await listener.close({ graceMs: 60_000 });
  for (const end of await Promise.all(streams)) {
    assert.deepEqual(end, [1, Code.Unavailable, "the bridge is shutting down"]);
  }
  assert.equal(seen.ends.length, 50);
  assert.equal(listener.calls, 0);
  assert.equal(listener.connections, 0);
});

test("closing lets a unary call finish, tells clients to go, and takes no other call", async (t) => {
  const answer = Promise.withResolvers<{ name: string }>();
  let calls = 0;
  const { listener } = await startListener(t, {
    routes: (router) =>
      void router.service(BridgeService, {
        getInfo: () => {
          calls += 1;
          return answer.promise;
        },
      }),
  });
  const client = createClient(BridgeService, createGrpcTransport({ baseUrl: listener.url }));
  const call = client.getInfo({});
  const idle = connectHttp2(listener.url);
  const connected = once(idle, "remoteSettings");
  const kept = await openSocket(t, listener.port);
  const received: string[] = [];
  kept.setEncoding("latin1").on("data", (text) => received.push(String(text)));
  const request = (path: string): string =>
    `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`;
  kept.write(request(statsPath));
  await until(() => calls === 1 && received.length > 0 && listener.connections === 3);
  await connected;

  const goaway = once(idle, "goaway");
  const closed = listener.close({ graceMs: 60_000 });
  assert.equal(listener.close({ graceMs: 0 }), closed);
  await goaway;
  await assert.rejects(openSocket(t, listener.port), { code: "ECONNREFUSED" });
  kept.write(request(infoPath));
  await once(kept, "close");
  assert.match(received.join(""), /HTTP\/1\.1 501 [\s\S]*HTTP\/1\.1 503 /);
  answer.resolve({ name: "late" });
  assert.equal((await call).name, "late");
  await closed;
  assert.equal(calls, 1);
  assert.equal(listener.connections, 0);
});

test("when the grace is over, a call that goes on gets UNAVAILABLE", async (t) => {
  const time = createManualTimers();
  let called = false;
  const { listener } = await startListener(t, {
    runtime: time.runtime,
    routes: (router) =>
      void router.service(BridgeService, {
        getInfo: () => {
          called = true;
          return new Promise<never>(() => {});
        },
      }),
  });
  const client = createClient(BridgeService, createGrpcTransport({ baseUrl: listener.url }));
  const call = assert.rejects(client.getInfo({}), {
    code: Code.Unavailable,
    rawMessage: "the bridge is shutting down",
  });
  await until(() => called);
  const closed = listener.close({ graceMs: 5000 });
  time.advance(4999);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(listener.calls, 1);
  time.advance(1);
  await call;
  time.advance(250);
  await closed;
  assert.equal(listener.connections, 0);
});

test("a client that never hangs up is cut off", async (t) => {
  const { listener, seen } = await startListener(t);
  const session = connectHttp2(listener.url);
  session.on("error", () => {});
  session.request({ ":method": "POST", ":path": streamPath, "content-type": "application/grpc" }).on("error", () => {});
  await openSocket(t, listener.port);
  await until(() => seen.contexts.length === 1 && listener.connections === 2);
  await listener.close({ graceMs: 0 });
  assert.equal(listener.connections, 0);
  session.destroy();
});

test("a process whose listener has closed ends by itself", async () => {
  const listen = new URL("./listen.ts", import.meta.url).href;
  const script = `
    import { listen } from ${JSON.stringify(listen)};
    import { systemRuntime } from "@loom-bridge/protocol";
    const nothing = () => {};
    const logger = { debug: nothing, info: nothing, warn: nothing, error: nothing };
    const listener = await listen({ address: "127.0.0.1:0", logger, routes: nothing, runtime: systemRuntime });
    const response = await fetch(listener.url + "/none", { headers: { connection: "close" } });
    await response.text();
    await listener.close({ graceMs: 1000 });
    console.log(response.status);
  `;
  const args = ["--import", "tsx", "--input-type=module", "--eval", script];
  const child = spawn(process.execPath, args, {
    cwd: fileURLToPath(new URL("../..", import.meta.url)),
    stdio: ["ignore", "pipe", "inherit"],
    timeout: 30_000,
  });
  const printed = once(child.stdout, "data");
  const [code] = await once(child, "exit");
  assert.equal(code, 0);
  assert.equal(String((await printed)[0]).trim(), "404");
});

test("a call that crosses the GOAWAY on its way is refused, and not forgotten", async (t) => {
  const { listener } = await startListener(t);
  const session = connectHttp2(listener.url);
  session.on("error", () => {});
  t.after(() => session.destroy());
  const call = (): ClientHttp2Stream => {
    const headers = { ":method": "POST", ":path": infoPath, "content-type": "application/json" };
    return session
      .request(headers)
      .on("error", () => {})
      .end("{}");
  };
  await once(call(), "response");
  listener.sendAway();
  const crossing = call();
  await new Promise((resolve) => crossing.once("close", resolve));
  assert.equal(crossing.rstCode, constants.NGHTTP2_REFUSED_STREAM);
});
