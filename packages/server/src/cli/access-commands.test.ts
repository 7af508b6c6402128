import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { connect } from "node:tls";
import { type RunningCommand, runToEnd, start } from "./terminal.test-helper.ts";

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "loom-bridge-access-"));
  t.after(() => rm(path, { recursive: true }));
  return path;
}

async function up(t: TestContext, cwd: string, ...args: string[]): Promise<RunningCommand & { address: string }> {
  const command = start(["up", "--json", "--port", "0", "--grace-ms", "100", ...args], { cwd });
  t.after(() => {
    command.interrupt("SIGTERM");
    return command.ended;
  });
  await command.wrote('"listening"');
  return { ...command, address: String(command.json()[0]?.["url"]) };
}

const policy = `# rules of the house
roles:
  agent:
    agents: { as: ["{{subject}}"] }
    topics: { publish: ["market.**"], subscribe: { allow: ["market.**"], deny: ["market.secret.**"] } }
  operator:
    admin: ["*"]
subjects:
  - { subject: analyst, roles: [agent] }
  - { subject: root, roles: [operator] }
`;

async function withPolicy(t: TestContext): Promise<{ cwd: string; key: (subject: string) => Promise<string> }> {
  const cwd = await folder(t);
  await writeFile(join(cwd, "access.yaml"), policy);
  const key = async (subject: string): Promise<string> => {
    const { code, json } = await runToEnd(["token", "key", "--subject", subject, "--policy", "access.yaml", "--json"], {
      cwd,
    });
    assert.equal(code, 0);
    return String(json()[0]?.["key"]);
  };
  return { cwd, key };
}

test("a key is shown once, its hash goes into the policy, and the rest of the file stays as it is", async (t) => {
  const { cwd, key } = await withPolicy(t);
  const [first, second] = [await key("analyst"), await key("root")];
  const text = await readFile(join(cwd, "access.yaml"), "utf8");
  assert.ok(text.startsWith("# rules of the house\n"));
  assert.ok(!text.includes(first) && !text.includes(second));
  const known = ["--auth", "keys", "--auth-policy", "access.yaml", "--json"];
  for (const [token, subject] of [
    [first, "analyst"],
    [second, "root"],
  ] as const) {
    const { code, json } = await runToEnd(["token", "verify", token, ...known], { cwd });
    assert.deepEqual([code, json()[0]?.["subject"]], [0, subject]);
  }
  const wrong = await runToEnd(["token", "verify", `${first.slice(0, -1)}_`, ...known], { cwd });
  assert.deepEqual([wrong.code, wrong.json()[0]?.["valid"]], [1, false]);
  const odd = await runToEnd(["token", "key", "--subject", "a\u0000b"], { cwd });
  assert.equal(odd.code, 2);
});

test("a token of a development issuer is taken with the roles that it names", async (t) => {
  const { cwd } = await withPolicy(t);
  assert.equal((await runToEnd(["token", "issuer"], { cwd })).code, 0);
  assert.equal((await stat(join(cwd, "issuer-key.json"))).mode & 0o077, 0);
  assert.equal((await runToEnd(["token", "issuer"], { cwd })).code, 1, "a key is not overwritten");
  const names = ["--issuer", "dev", "--audience", "bridge"];
  const issued = await runToEnd(["token", "issue", ...names, "--subject", "bot", "--role", "agent"], { cwd });
  const token = issued.output.trim();
  const jwt = ["--auth-jwt-issuer", "dev", "--auth-jwt-audience", "bridge", "--auth-jwt-jwks", "jwks.json"];
  const verify = ["token", "verify", "-", "--auth", "jwt", "--auth-policy", "access.yaml", ...jwt];
  const verified = await runToEnd(verify, { cwd, input: `${token}\n` });
  assert.equal(verified.code, 0);
  assert.match(verified.output, /^valid: bot, until \d{4}-.*topics\.publish +market\.\*\*/s);
  const other = await runToEnd([...verify.slice(0, -4), "--auth-jwt-audience", "other", ...jwt.slice(-2)], {
    cwd,
    input: token,
  });
  assert.equal(other.code, 1);
  assert.match(other.output, /not valid: .*aud/);
});

test("a policy says whether somebody may do something, by which rule, and where that stands", async (t) => {
  const { cwd } = await withPolicy(t);
  const ask = async (...args: string[]): Promise<[number, string]> => {
    // Where clients look is nothing to a policy.
    const env = { LOOM_BRIDGE_ADDR: "https://bridge.example.com" };
    const command = ["policy", "check", ...args, "--auth-policy", "access.yaml"];
    const { code, output, errors } = await runToEnd(command, { cwd, env });
    return [code, (output || errors).trim()];
  };
  const analyst = ["--subject", "analyst"];
  const role = "of role agent";
  assert.deepEqual(await ask("topics.publish", "market.a", ...analyst), [0, `allowed by "allow market.**", ${role}`]);
  assert.deepEqual(await ask("topics.publish", "news", ...analyst), [1, "denied: no rule allows it"]);
  const secret = await ask("topics.subscribe", "market.secret.a", ...analyst);
  assert.deepEqual(secret, [1, `denied by "deny market.secret.**", ${role}`]);
  const partly = await ask("topics.subscribe", "market.**", ...analyst);
  assert.deepEqual(partly, [0, `allowed, except for what "deny market.secret.**", ${role} takes out`]);
  assert.deepEqual((await ask("agents.as", "bot", "--subject", "bot"))[0], 1);
  assert.deepEqual((await ask("agents.as", "bot", "--subject", "bot", "--role", "agent"))[0], 0);
  assert.match((await ask("topics.read", "x", ...analyst))[1], /"topics.read" is nothing that grants speak of/);
});

test("SIGHUP and reload make new keys known and old ones forgotten; what is wrong changes nothing", async (t) => {
  const { cwd, key } = await withPolicy(t);
  const root = await key("root");
  const bridge = await up(t, cwd, "--auth", "keys", "--auth-policy", "access.yaml");
  const at = ["--address", bridge.address];
  const whoami = async (token: string): Promise<string> => {
    const { code, errors, json } = await runToEnd(["whoami", ...at, "--token", token, "--json"]);
    return code === 0 ? String(json()[0]?.["subject"]) : errors;
  };
  const analyst = await key("analyst");
  assert.match(await whoami(analyst), /the credentials are not valid here/);
  assert.equal((await runToEnd(["reload", ...at, "--token", root])).code, 0);
  assert.equal(await whoami(analyst), "analyst");
  assert.equal((await runToEnd(["reload", ...at, "--token", analyst])).code, 1);
  const examined = await runToEnd(["doctor", ...at, "--token", analyst, "--json"]);
  const skipped = examined.json().filter(({ status }) => status === "skipped");
  assert.deepEqual([examined.code, skipped.map(({ step }) => step)], [0, ["memory", "stream", "tools"]]);

  const text = await readFile(join(cwd, "access.yaml"), "utf8");
  await writeFile(join(cwd, "access.yaml"), `${text}oops: 1\n`);
  bridge.hangUp();
  await bridge.wrote("those that were there stay");
  assert.equal(await whoami(analyst), "analyst");
  const failed = await runToEnd(["reload", ...at, "--token", root]);
  assert.match(failed.errors, /Unrecognized key: "oops"/);

  await writeFile(join(cwd, "access.yaml"), policy);
  bridge.hangUp();
  await bridge.wrote("by=SIGHUP");
  assert.match(await whoami(analyst), /not valid/);
});

test("certificates of the development authority let a client in by its name, and are renewed without a restart", async (t) => {
  const { cwd } = await withPolicy(t);
  const entry = "\n  - { subject: 'spiffe://loom-bridge/analyst', roles: [agent] }\n";
  await writeFile(join(cwd, "access.yaml"), policy.trimEnd() + entry);
  assert.equal((await runToEnd(["cert", "--client", "analyst", "--client", "stranger"], { cwd })).code, 0);
  assert.equal((await stat(join(cwd, "certs/ca-key.pem"))).mode & 0o077, 0);
  const files = [
    "--tls-cert",
    "certs/server.pem",
    "--tls-key",
    "certs/server-key.pem",
    "--tls-client-ca",
    "certs/ca.pem",
  ];
  const bridge = await up(t, cwd, "--auth", "mtls", "--auth-policy", "access.yaml", ...files);
  const whoami = (...args: string[]) =>
    runToEnd(["whoami", "--json", "--address", bridge.address, "--tls-ca", "certs/ca.pem", ...args], { cwd });
  const shows = (name: string): string[] => [
    "--tls-cert",
    `certs/client-${name}.pem`,
    "--tls-key",
    `certs/client-${name}-key.pem`,
  ];
  const known = await whoami(...shows("analyst"));
  assert.equal(known.json()[0]?.["subject"], "spiffe://loom-bridge/analyst");
  const stranger = await whoami(...shows("stranger"));
  assert.equal(stranger.json()[0]?.["subject"], "spiffe://loom-bridge/stranger");
  assert.equal((await whoami()).code, 69);

  const serialNow = (): Promise<string> =>
    new Promise((resolve, reject) => {
      const { hostname, port } = new URL(bridge.address);
      const socket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false }, () => {
        resolve(socket.getPeerCertificate().serialNumber);
        socket.destroy();
      });
      socket.on("error", reject);
    });
  const before = await serialNow();
  assert.equal((await runToEnd(["cert"], { cwd })).code, 0);
  bridge.hangUp();
  await bridge.wrote("by=SIGHUP");
  assert.notEqual(await serialNow(), before);
  assert.equal((await whoami(...shows("analyst"))).code, 0);
});
