import { type Command, InvalidArgumentError } from "commander";
import { acts } from "../domain/access/grants.ts";
import type { Terminal } from "./terminal.ts";
import { addSettingOptions } from "./up/setting-options.ts";

/** Adds the commands that make and check keys, tokens, rules and certificates. None of them speaks to a bridge. */
export function addAccessCommands(program: Command, terminal: Terminal, finish: (exitCode: number) => void): void {
  const token = program
    .command("token")
    .summary("make and check keys and tokens")
    .description("Makes API keys, makes tokens for development, and checks both.");
  token.addHelpText(
    "after",
    `
Examples:
  loom-bridge token key --subject analyst --policy access.yaml
  loom-bridge token issuer
  loom-bridge token issue --issuer dev --audience bridge --subject analyst --role agent
  loom-bridge token verify lbk_… --auth keys --auth-policy access.yaml`,
  );

  token
    .command("key")
    .description("Makes an API key and shows it once. The policy keeps its hash.")
    .requiredOption("--subject <subject>", "who the key is")
    .option("--tenant <tenant>", "the tenant of the subject (default: the default one)")
    .option("--expires <time>", "when it ends, from now: 12h, 90d (default: never)", duration)
    .option("--policy <file>", "write the key's hash into this policy")
    .option("--json", "one JSON object, for programs")
    .action(async (options) => finish(await (await import("./commands/token-key.ts")).tokenKey(terminal, options)));

  token
    .command("issuer")
    .description("Makes an issuer of tokens for development: a key that signs, and the key set for --auth-jwt-jwks.")
    .option("--key <file>", "the key", "issuer-key.json")
    .option("--jwks <file>", "the key set", "jwks.json")
    .action(async (options) => finish(await (await import("./commands/token-jwt.ts")).tokenIssuer(terminal, options)));

  token
    .command("issue")
    .description("Issues a token for development.")
    .requiredOption("--issuer <issuer>", "what the bridge has as --auth-jwt-issuer")
    .requiredOption("--audience <audience>", "what the bridge has as --auth-jwt-audience")
    .requiredOption("--subject <subject>", "who the token is")
    .option("--tenant <tenant>", "the tenant of the subject (default: the default one)")
    .option("--role <role>", "a role of the bridge's policy; may stand more than once", oneMore)
    .option("--expires <time>", "how long it is valid: 15m, 12h", duration, 3600)
    .option("--key <file>", "the issuer's key", "issuer-key.json")
    .option("--json", "one JSON object, for programs")
    .action(async (options) => finish(await (await import("./commands/token-jwt.ts")).tokenIssue(terminal, options)));

  const verify = token
    .command("verify")
    .description("Tells whom a bridge would take a token or a key for and what that may do, or why it would refuse it.")
    .argument("<token>", 'the token or key, or "-" for the standard input')
    .option("--json", "one JSON object, for programs")
    .action(async (text: string, _options, command: Command) => {
      finish(await (await import("./commands/token-verify.ts")).tokenVerify(terminal, command, text));
    });
  addSettingOptions(verify, "auth.");

  const policy = program
    .command("policy")
    .summary("ask what a policy allows")
    .description("Asks a policy who may do what.");
  const check = policy
    .command("check")
    .description("Tells whether a subject may do something, and by which rule. Exits 0 when it may, 1 when not.")
    .argument("<act>", acts.join(", "))
    .argument("<resource>", "the topic, filter, tool, agent or memory session")
    .requiredOption("--subject <subject>", "who would do it")
    .option("--tenant <tenant>", "its tenant (default: the default one)")
    .option("--agent <id>", "as which of its agents")
    .option("--role <role>", "a role that its token would have; may stand more than once", oneMore)
    .option("--json", "one JSON object, for programs")
    .action(async (act: string, resource: string, _options, command: Command) => {
      const { policyCheck } = await import("./commands/policy-check.ts");
      finish(await policyCheck(terminal, command, act, resource));
    });
  addSettingOptions(check, "auth.policy").addHelpText(
    "after",
    `
Examples:
  loom-bridge policy check topics.publish orders.new --subject analyst --auth-policy access.yaml
  loom-bridge policy check tools.call web:fetch --subject analyst --agent analyst-1`,
  );

  program
    .command("cert")
    .summary("make certificates for development")
    .description("Makes a development authority, a certificate for the bridge, and one for each client.")
    .option("--dir <folder>", "where they are written; an authority that is there is used", "certs")
    .option("--host <host>", "a name or address of the bridge (default: localhost, 127.0.0.1, ::1)", oneMore)
    .option("--client <name>", "a client; may stand more than once", oneMore)
    .option("--days <count>", "how long they are valid; the authority is for a year", days, 30)
    .addHelpText(
      "after",
      `
Examples:
  loom-bridge cert
  loom-bridge cert --host bridge.example.com --client analyst
  loom-bridge up --tls-cert certs/server.pem --tls-key certs/server-key.pem`,
    )
    .action(async (options) => finish(await (await import("./commands/cert.ts")).cert(terminal, options)));
}

const unitSec: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** Reads `15m` as seconds. */
function duration(text: string): number {
  const match = /^([1-9][0-9]{0,5})([smhd])$/.exec(text);
  if (match === null) throw new InvalidArgumentError("Allowed: a whole number and s, m, h or d, such as 12h.");
  return Number(match[1]) * (unitSec[match[2] ?? ""] ?? 0);
}

function days(text: string): number {
  if (/^[1-9][0-9]{0,3}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("Allowed: a whole number from 1 to 9999.");
}

function oneMore(text: string, texts: readonly string[] = []): readonly string[] {
  return [...texts, text];
}
