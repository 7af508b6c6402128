import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, test } from "node:test";
import { BridgeClient } from "./bridge-client.ts";
import { withEnvironment } from "./client-environment.ts";

const names = ["ADDR", "TOKEN", "TLS_CA", "CLIENT_CERT", "CLIENT_KEY", "SERVER_NAME"].map(
  (name) => `LOOM_BRIDGE_${name}`,
);

afterEach(() => {
  for (const name of names) delete process.env[name];
});

test("what the options leave out is taken from the environment", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "loom-bridge-env-"));
  t.after(() => rm(folder, { recursive: true }));
  for (const name of names.slice(2, 5)) {
    process.env[name] = join(folder, name);
    await writeFile(join(folder, name), `pem of ${name}`);
  }
  process.env["LOOM_BRIDGE_ADDR"] = "bridge.example.com:1";
  process.env["LOOM_BRIDGE_TOKEN"] = "t";
  process.env["LOOM_BRIDGE_SERVER_NAME"] = "other.example.com";
  assert.deepEqual(withEnvironment({}), {
    address: "bridge.example.com:1",
    token: "t",
    credentials: {
      ca: "pem of LOOM_BRIDGE_TLS_CA",
      cert: "pem of LOOM_BRIDGE_CLIENT_CERT",
      key: "pem of LOOM_BRIDGE_CLIENT_KEY",
      serverName: "other.example.com",
    },
  });
  const given = { address: "localhost:2", token: "own", credentials: { ca: "own" } };
  assert.deepEqual(withEnvironment(given), given);
  process.env["LOOM_BRIDGE_TLS_CA"] = join(folder, "none");
  assert.throws(() => withEnvironment({}), /LOOM_BRIDGE_TLS_CA is .*none, which cannot be read \(ENOENT\)/);
});

test("a token goes to another machine over TLS only", () => {
  const token = "t";
  for (const address of ["bridge.example.com:1", "http://192.0.2.1:1", "127.evil.example.com:1"]) {
    assert.throws(() => new BridgeClient({ address, token }), { code: "invalid_argument", message: /without TLS/ });
    new BridgeClient({ address, token, tokenWithoutTls: true });
  }
  for (const address of ["localhost:1", "127.0.0.1:1", "http://[::1]:1", "https://bridge.example.com"]) {
    new BridgeClient({ address, token });
  }
});
