import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { test } from "node:test";
import { systemRuntime } from "@loom-bridge/protocol";
import { version } from "../version.ts";
import { nodeProblem, oldestNode } from "./node-version.ts";
import { runToEnd } from "./terminal.test-helper.ts";

/** A port that nothing listens on. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

test("--version and --help exit 0, and --help shows examples for every command", async () => {
  assert.deepEqual(await runToEnd(["--version"]).then(({ code, output }) => [code, output]), [0, `${version}\n`]);
  for (const command of ["up", "config", "doctor", "publish", "subscribe", "call", "tools", "agents", "stats"]) {
    const { code, output } = await runToEnd([command, "--help"]);
    assert.equal(code, 0);
    assert.match(output, new RegExp(`^Usage: loom-bridge ${command} .*\nExamples:\n  loom-bridge ${command}`, "s"));
  }
});

test("a wrong command line exits 2, tries nothing and says what is wrong", async () => {
  const address = ["--address", "localhost:1"];
  const wrong: [args: string[], message: RegExp][] = [
    [["pubish", "a"], /unknown command 'pubish'\n\(Did you mean publish\?\)/],
    [["publish"], /missing required argument 'topic'/],
    [["publish", "a b", ...address], /topic "a b" has the segment "a b"/],
    [["publish", "a", "--meta", "k", ...address], /Allowed: key=value/],
    [["subscribe", "a.**.b", ...address], /filter "a\.\*\*\.b"/],
    [["subscribe", "a", "--count", "0", ...address], /Allowed: a whole number from 1/],
    [["subscribe", "a", "--qos", "best", ...address], /Allowed choices are realtime, batched, background/],
    [["stats", "--address", "localhost:0"], /port 0, which nobody can connect to/],
    [["stats", "--address", "http://localhost:1", "--tls-ca", "ca.pem"], /a --tls flag asks for TLS; write https/],
    [["stats", "--tls-ca", "missing.pem"], /missing\.pem" cannot be read \(ENOENT\)/],
    [["up", "--mode", "full"], /--mode full is not there.*use --mode bridge-only/],
    [["up", "--mode", "half"], /--mode "half" is unknown; use --mode bridge-only/],
    [["up", "--port", "70000"], /--port is "70000"; allowed: a whole number from 0 to 65535/],
    [["up", "--log-level", "loud"], /--log-level is "loud"; allowed: debug, info, warn, error or silent/],
    [["up", "--tls-cert", "a.pem", "--tls-key", "b.pem"], /tls\.cert: the file \/nowhere\/a\.pem cannot be read/],
  ];
  for (const [args, message] of wrong) {
    const { code, output, errors } = await runToEnd(args);
    assert.match(errors, message);
    assert.equal(code, 2, errors);
    assert.equal(output, "");
  }
});

test("where no bridge answers, every command exits 69 and says what to do; doctor tells more and exits 1", async () => {
  const port = await freePort();
  const address = ["--address", `127.0.0.1:${port}`];
  for (const args of [["publish", "a"], ["subscribe", "a"], ["call", "a"], ["tools"], ["agents"], ["stats"]]) {
    const { code, errors } = await runToEnd([...args, ...address]);
    assert.equal(code, 69, errors);
    assert.match(
      errors,
      new RegExp(`^loom-bridge: no bridge answers at http://127.0.0.1:${port} \\(.*loom-bridge doctor`),
    );
  }
  assert.equal((await runToEnd(["doctor", ...address])).code, 1);
});

test("a server that accepts the connection and says nothing is no bridge either", async (t) => {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => void sockets.add(socket)).listen(0, "127.0.0.1");
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const impatient = { ...systemRuntime, setTimer: (callback: () => void) => systemRuntime.setTimer(callback, 50) };
  const { code, errors } = await runToEnd(["subscribe", "a", "--address", `127.0.0.1:${port}`], { runtime: impatient });
  assert.equal(code, 69);
  assert.match(errors, /no bridge answers at http:\/\/127\.0\.0\.1:\d+ \(no answer within 10000 ms\)/);
});

test("with --json a failure is one line of JSON too", async () => {
  const { code, json } = await runToEnd(["stats", "--json", "--address", `127.0.0.1:${await freePort()}`]);
  assert.equal(code, 69);
  assert.deepEqual(
    json().map(({ event, code }) => [event, code]),
    [["failed", "unavailable"]],
  );
});

test("config shows every value with its source", async () => {
  const env = { LOOM_BRIDGE_GRACE_MS: "7" };
  const { code, json } = await runToEnd(["config", "--json", "--port", "9", "--files-root", "x"], { env });
  assert.equal(code, 0);
  const rows = new Map(json().map(({ key, value, source }) => [key, [value, source]]));
  assert.deepEqual(rows.get("address"), ["localhost:9", "flag --port"]);
  assert.deepEqual(rows.get("shutdown.graceMs"), [7, "environment LOOM_BRIDGE_GRACE_MS"]);
  assert.deepEqual(rows.get("tools.files.root"), ["/nowhere/x", "flag --files-root"]);
  assert.deepEqual(rows.get("log.level"), ["info", "default"]);
  assert.match((await runToEnd(["config"])).output, /^SETTING +VALUE +FROM\naddress +localhost:50051 +default\n/);
});

test("an older Node is refused in one line, before anything that needs a newer one is loaded", async () => {
  assert.match(nodeProblem("20.20.2") ?? "", /^loom-bridge needs Node 22\.14 or newer, and this is 20\.20\.2; [^\n]*$/);
  assert.notEqual(nodeProblem("22.13.1"), undefined);
  assert.equal(nodeProblem("22.14.0"), undefined);
  assert.equal(nodeProblem("24.0.0"), undefined);
  const manifest = JSON.parse(await readFile(new URL("../../package.json", import.meta.url), "utf8"));
  assert.equal(manifest.engines.node, `>=${oldestNode}`);
  const read = (file: string): Promise<string> => readFile(new URL(file, import.meta.url), "utf8");
  assert.deepEqual((await read("main.ts")).match(/^import .*$/gm), [
    'import { nodeProblem } from "./node-version.ts";',
  ]);
  assert.doesNotMatch(await read("node-version.ts"), /^import /m);
});
