import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { LoomError } from "@loom-bridge/protocol";
import { defaultBridgeLimits } from "../bridge-limits.ts";
import { agentLimitsOf } from "./agent-limit-settings.ts";
import { type ConfigInputs, type LoadedConfig, loadConfig } from "./load-config.ts";

let cwd: string;

beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), "loom-bridge-config-"));
});

afterEach(() => rm(cwd, { recursive: true }));

function load(inputs: Partial<ConfigInputs> = {}): Promise<LoadedConfig> {
  return loadConfig({ cwd, env: {}, flags: new Map(), ...inputs });
}

function write(text: string, name = "loom-bridge.yaml"): Promise<void> {
  return writeFile(join(cwd, name), text);
}

async function refusal(inputs: Partial<ConfigInputs> = {}): Promise<string> {
  const error = await load(inputs).then(
    () => assert.fail("it was accepted"),
    (caught: unknown) => caught,
  );
  assert.ok(LoomError.isInstance(error), String(error));
  assert.equal(error.code, "invalid_argument");
  return error.rawMessage.replaceAll(cwd, "DIR");
}

test("with nothing given everything has its default", async () => {
  const { config, sources, file } = await load();
  assert.equal(config.address, "localhost:50051");
  assert.equal(config["store.kind"], "memory");
  assert.equal(config["shutdown.graceMs"], 10_000);
  assert.deepEqual(config["tools.web.allow"], []);
  assert.equal(config["tls.cert"], undefined);
  assert.equal(file, undefined);
  assert.ok([...sources.values()].every(({ kind }) => kind === "default"));
});

test("a flag beats the environment, which beats the file, which beats the default; the source is remembered", async () => {
  await write("address: file:1\nlog:\n  level: debug\n  format: json\nshutdown: { graceMs: 7 }\n");
  const env = { LOOM_BRIDGE_ADDR: "environment:2", LOOM_BRIDGE_LOG_LEVEL: "warn" };
  const { config, sources, file } = await load({ env, flags: new Map([["address", "flag:3"]]) });
  assert.equal(config.address, "flag:3");
  assert.equal(config["log.level"], "warn");
  assert.equal(config["log.format"], "json");
  assert.equal(config["shutdown.graceMs"], 7);
  assert.equal(file, join(cwd, "loom-bridge.yaml"));
  assert.deepEqual(sources.get("address"), { kind: "flag", name: "--address" });
  assert.deepEqual(sources.get("log.level"), { kind: "environment", name: "LOOM_BRIDGE_LOG_LEVEL" });
  assert.deepEqual(sources.get("log.format"), { kind: "file", name: file });
  assert.deepEqual(sources.get("store.kind"), { kind: "default", name: "" });
});

test("texts of the environment and of flags become numbers, booleans and lists", async () => {
  const flags = new Map<string, string | true>([
    ["tools.files.root", "data"],
    ["tools.files.write", true],
  ]);
  const env = { LOOM_BRIDGE_GRACE_MS: "250", LOOM_BRIDGE_WEB_ALLOW: "a.example, b.example" };
  const { config } = await load({ flags, env });
  assert.equal(config["tools.files.write"], true);
  assert.equal(config["shutdown.graceMs"], 250);
  assert.deepEqual(config["tools.web.allow"], ["a.example", "b.example"]);
});

test("every limit of agents, events and tools can be set, and not beyond what clients take", async () => {
  const flags = new Map([["limits.maxOpenCalls", "7"]]);
  const { config } = await load({ flags, env: { LOOM_BRIDGE_EVENT_BYTES: "65536" } });
  assert.deepEqual(agentLimitsOf(config), { ...defaultBridgeLimits, maxOpenCalls: 7, eventBytes: 65_536 });
  const refused = load({ env: { LOOM_BRIDGE_EVENT_BYTES: "1048577" } });
  await assert.rejects(refused, /LOOM_BRIDGE_EVENT_BYTES is 1048577; allowed: a whole number from 1 to 1048576/);
});

test("an empty variable is not set", async () => {
  const { config, sources } = await load({ env: { LOOM_BRIDGE_ADDR: "", LOOM_BRIDGE_CONFIG: "" } });
  assert.equal(config.address, "localhost:50051");
  assert.equal(sources.get("address")?.kind, "default");
});

test("a path in the file is relative to the file, one on the command line to the working folder", async () => {
  const elsewhere = await mkdtemp(join(tmpdir(), "loom-bridge-elsewhere-"));
  try {
    const file = join(elsewhere, "bridge.json");
    await writeFile(file, '{"store": {"kind": "sqlite", "path": "plans.db"}}');
    assert.equal((await load({ file })).config["store.path"], join(elsewhere, "plans.db"));
    const flags = new Map([["store.path", "plans.db"]]);
    const { config } = await load({ env: { LOOM_BRIDGE_CONFIG: file }, flags });
    assert.equal(config["store.path"], join(cwd, "plans.db"));
  } finally {
    await rm(elsewhere, { recursive: true });
  }
});

test("an empty file and empty groups set nothing", async () => {
  await write("# nothing yet\n");
  assert.equal((await load()).config["log.level"], "info");
  await write("log:\n");
  assert.equal((await load()).config["log.level"], "info");
});

test("an unknown key is refused with the key that was probably meant", async () => {
  await write("adress: localhost:1\n");
  assert.equal(await refusal(), 'DIR/loom-bridge.yaml: unknown key "adress"; did you mean "address"?');
  await write("log: { lvel: debug }\n");
  assert.equal(await refusal(), 'DIR/loom-bridge.yaml: unknown key "log.lvel"; did you mean "log.level"?');
  await write("log: { colour_of_lines: red }\n");
  assert.equal(
    await refusal(),
    'DIR/loom-bridge.yaml: unknown key "log.colour_of_lines"; allowed: log.level, log.format',
  );
});

test("a wrong value is refused with its source, the value and what is allowed", async () => {
  await write("shutdown: { graceMs: soon }\n");
  assert.equal(
    await refusal(),
    'DIR/loom-bridge.yaml: shutdown.graceMs is "soon"; allowed: a whole number from 1 to 86400000',
  );
  await write("log: loud\n");
  assert.equal(await refusal(), 'DIR/loom-bridge.yaml: log is "loud"; allowed: log.level, log.format');
  await write("");
  const env = { LOOM_BRIDGE_LOG_LEVEL: "loud" };
  assert.equal(await refusal({ env }), 'LOOM_BRIDGE_LOG_LEVEL is "loud"; allowed: debug, info, warn, error or silent');
  const flags = new Map([["limits.maxConnections", "1e3"]]);
  assert.equal(await refusal({ flags }), '--max-connections is "1e3"; allowed: a whole number from 1 to 1000000');
  assert.match(
    await refusal({ flags: new Map([["address", "50051"]]) }),
    /^--address is "50051"; allowed: host:port, /,
  );
});

test("a file that is missing, unreadable or no YAML map is refused by name", async () => {
  assert.equal(await refusal({ file: "other.yaml" }), "DIR/other.yaml: there is no such file");
  assert.equal(await refusal({ file: "." }), "DIR: it cannot be read (EISDIR)");
  await write("- a\n- b\n");
  assert.equal(await refusal(), 'DIR/loom-bridge.yaml: it holds ["a","b"]; write "key: value" lines');
  await write("address: [\n");
  assert.match(await refusal(), /^DIR\/loom-bridge\.yaml: .* at line \d/);
});

test("settings that need one another are refused alone", async () => {
  assert.equal(
    await refusal({ flags: new Map([["tls.cert", "a.pem"]]) }),
    "--tls-cert needs its private key; add --tls-key",
  );
  assert.equal(
    await refusal({ env: { LOOM_BRIDGE_TLS_KEY: "a.pem" } }),
    "LOOM_BRIDGE_TLS_KEY needs the bridge's certificate; add --tls-cert",
  );
  await write("tools: { files: { write: true } }\n");
  assert.equal(await refusal(), "tools.files.write (DIR/loom-bridge.yaml) needs a folder; add --files-root");
});

test("a data file is refused unless it is said which store is wanted", async () => {
  const flags = new Map([["store.path", "plans.db"]]);
  assert.equal(await refusal({ flags }), "--data is given, but plans are kept in memory; add --store sqlite");
  assert.equal((await load({ flags: new Map([...flags, ["store.kind", "memory"]]) })).config["store.kind"], "memory");
});
