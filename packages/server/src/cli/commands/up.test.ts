import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { generate } from "selfsigned";
import { type RunningCommand, runToEnd, start } from "../terminal.test-helper.ts";

/** A bridge that ends with the test, when the test did not end it itself. */
async function up(t: TestContext, ...args: string[]): Promise<RunningCommand & { readonly address: string }> {
  const command = start(["up", "--json", "--log-level", "silent", "--grace-ms", "100", ...args], {
    cwd: await folder(t),
  });
  t.after(() => {
    command.interrupt("SIGTERM");
    return command.ended;
  });
  await command.wrote('"listening"');
  return { ...command, address: String(command.json()[0]?.["address"]) };
}

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "loom-bridge-up-"));
  t.after(() => rm(path, { recursive: true }));
  return path;
}

test("up tells people what runs, where, how to try it and how to stop it", async () => {
  const command = start(["up", "--port", "0", "--mode", "bridge-only"]);
  await command.wrote("Ctrl-C");
  const output = command.output();
  const [, url] = /listening +(http:\/\/127\.0\.0\.1:[1-9]\d*) /.exec(output) ?? [];
  assert.match(output, /^Loom Bridge \d+\.\d+\.\d+: /);
  assert.match(
    output,
    /encryption +off\n +asks who +NOBODY\n +memory +in memory, gone when it stops\n +tools +none of its own/,
  );
  assert.ok(output.includes(`    loom-bridge doctor --address ${url}\n`));
  // The example is true as it stands.
  const [, flags = ""] = /loom-bridge publish greetings\.world \S+ (.*)\n/.exec(output) ?? [];
  assert.equal((await runToEnd(["publish", "greetings.world", "x", ...flags.split(" ")])).code, 0);
  command.interrupt("SIGINT");
  assert.equal(await command.ended, 0);
  assert.match(command.output(), /\nSIGINT: stopping within 10000 ms; once more stops at once\nstopped\n$/);
});

test("up --json prints one line for each thing that happens", async (t) => {
  const command = await up(t, "--port", "0");
  command.interrupt("SIGTERM");
  assert.equal(await command.ended, 0);
  const [listening, ...rest] = command.json();
  assert.equal(listening?.["address"], `127.0.0.1:${listening?.["port"]}`);
  assert.equal(listening?.["pid"], 1);
  assert.deepEqual(rest, [{ event: "stopping", signal: "SIGTERM", graceMs: 100 }, { event: "stopped" }]);
});

test("a second signal ends the process with 1 at once", async (t) => {
  const command = await up(t, "--port", "0");
  command.interrupt("SIGINT");
  assert.deepEqual(command.exits, []);
  command.interrupt("SIGINT");
  assert.deepEqual(command.exits, [1]);
});

test("the file, the flags and the store of the configuration are used", async (t) => {
  const path = await folder(t);
  const file = join(path, "bridge.yaml");
  await writeFile(file, "address: 127.0.0.1:0\nstore:\n  kind: sqlite\n  path: plans.db\n");
  await writeFile(join(path, "note.txt"), "hello");
  const { address } = await up(t, "--config", file, "--files-root", path, "--web-allow", "example.com");
  const { json } = await runToEnd(["tools", "--json", "--address", address]);
  assert.deepEqual(
    json().map(({ name }) => name),
    ["fs:list_dir", "fs:read_file", "web:fetch"],
  );
  const read = await runToEnd(["call", "fs:read_file", '{"path":"note.txt"}', "--address", address]);
  assert.deepEqual([read.code, read.output], [0, '{"content":"hello"}\n']);
  const { output } = await runToEnd(["doctor", "--address", address]);
  assert.match(output, /plans in sqlite\n/);
});

test("events are kept in a file where that is wanted, and are there after a restart", async (t) => {
  const file = join(await folder(t), "events.db");
  const offsets: (string | undefined)[] = [];
  for (let run = 0; run < 2; run += 1) {
    const bridge = await up(t, "--port", "0", "--events", "sqlite", "--events-data", file);
    const { json } = await runToEnd(["publish", "a.b", "--json", "--address", bridge.address]);
    const { output } = await runToEnd(["why", String(json()[0]?.["eventId"]), "--address", bridge.address]);
    offsets.push(/offset (\d+)/.exec(output)?.[1]);
    bridge.interrupt("SIGTERM");
    await bridge.ended;
  }
  assert.deepEqual(offsets, ["1", "2"]);
});

test("what is remembered of events can be bounded and switched off", async (t) => {
  const { address } = await up(t, "--port", "0", "--journal", "false");
  const { code, errors } = await runToEnd(["why", "any", "--address", address]);
  assert.equal(code, 1);
  assert.match(errors, /keeps no journal/);
});

test("a bridge that others could reach without TLS or without asking who they are does not start", async (t) => {
  const path = await folder(t);
  const pems = await generate([{ name: "commonName", value: "localhost" }]);
  await writeFile(join(path, "cert.pem"), pems.cert);
  await writeFile(join(path, "key.pem"), pems.private);
  await writeFile(join(path, "access.yaml"), "roles: {}\n");
  const tls = ["--tls-cert", join(path, "cert.pem"), "--tls-key", join(path, "key.pem")];
  const auth = ["--auth", "keys", "--auth-policy", join(path, "access.yaml")];
  const refused = async (...args: string[]): Promise<string> => {
    const { code, errors } = await runToEnd(["up", "--log-level", "silent", ...args]);
    assert.equal(code, 2);
    return errors;
  };
  for (const address of ["0.0.0.0:0", "[::]:0", ":0"]) {
    assert.match(await refused("--address", address), /Listen on localhost, or add TLS \(.*\) and authentication \(/);
  }
  assert.match(await refused("--address", "0.0.0.0:0", ...tls), /be any agent.*or add authentication \(--auth keys/);
  assert.match(await refused("--address", "0.0.0.0:0", ...auth), /read every event.*or add TLS \(--tls-cert/);
  await up(t, "--address", "0.0.0.0:0", ...tls, ...auth);
  await up(t, "--address", "0.0.0.0:0", "--insecure-i-know");
  await up(t, "--address", "127.0.0.2:0");
  await up(t, "--address", "localhost:0");
});

test("a port in use and a store that cannot be opened exit 1 and say what to do", async (t) => {
  const { address } = await up(t, "--port", "0");
  const taken = await runToEnd(["up", "--address", address]);
  assert.equal(taken.code, 1);
  assert.match(taken.errors, /^loom-bridge: port \d+ is in use; stop the other bridge or choose another port/);
  const store = ["--store", "sqlite", "--data", "/nowhere/at/all/plans.db"];
  const unopened = await runToEnd(["up", "--port", "0", ...store]);
  assert.equal(unopened.code, 1);
  assert.match(unopened.errors, /\/nowhere\/at\/all/);
});

test("a bridge that asks for certificates lets in a command that shows one", async (t) => {
  const path = await folder(t);
  const pems = await generate([{ name: "commonName", value: "localhost" }], {
    extensions: [
      { name: "basicConstraints", cA: true },
      { name: "subjectAltName", altNames: [{ type: 7, ip: "127.0.0.1" }] },
    ],
  });
  const [cert, key] = [join(path, "cert.pem"), join(path, "key.pem")];
  await writeFile(cert, pems.cert);
  await writeFile(key, pems.private);
  const tls = ["--tls-cert", cert, "--tls-key", key];
  const { address } = await up(t, "--port", "0", "--address", "127.0.0.1:1", ...tls, "--tls-client-ca", cert);
  const known = ["--address", address, "--tls-ca", cert];
  assert.equal((await runToEnd(["doctor", ...known, ...tls])).code, 0);
  assert.equal((await runToEnd(["stats", ...known])).code, 69);
});
