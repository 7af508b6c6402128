import type { Command } from "commander";
import { mergeGrants } from "../../auth/grants-init.ts";
import type { GrantPart } from "../../auth/policy.ts";
import { readPolicyFile } from "../../auth/policy-file.ts";
import { Access } from "../../domain/access/access.ts";
import { type Act, acts } from "../../domain/access/grants.ts";
import { CommandError } from "../command-error.ts";
import { exitCode } from "../exit-code.ts";
import { writeJson, writeLine } from "../output.ts";
import type { Terminal } from "../terminal.ts";
import { loadConfigOf } from "../up/setting-options.ts";

interface PolicyCheckOptions {
  readonly subject: string;
  readonly tenant?: string;
  readonly agent?: string;
  readonly role?: readonly string[];
  readonly json?: true;
}

/** Tells whether a subject may do something, and which rule says so. */
export async function policyCheck(
  terminal: Terminal,
  command: Command,
  act: string,
  resource: string,
): Promise<number> {
  if (!isAct(act)) {
    const problem = `${JSON.stringify(act)} is nothing that grants speak of; use ${acts.join(", ")}`;
    throw new CommandError(exitCode.usage, "invalid_argument", problem);
  }
  const { subject, tenant, agent, role, json } = command.opts<PolicyCheckOptions>();
  const { config } = await loadConfigOf(terminal, command, ["auth.", "tls."]);
  const path = config["auth.policy"];
  if (path === undefined) {
    throw new CommandError(
      exitCode.usage,
      "invalid_argument",
      "there is no policy to ask; name one with --auth-policy",
    );
  }
  const policy = await readPolicyFile(path);
  const claimed = { tenant, roles: role };
  const principal = policy.principalOf(subject, claimed);
  const whole = new Access(principal);
  const access = agent === undefined ? whole : whole.as(agent);
  // A subscription may be to a pattern, of which a part may be denied.
  const heard = act === "topics.subscribe" ? access.hear(resource) : undefined;
  const decision = heard === undefined ? access.decide(act, resource) : { ...heard, allowed: heard.hearing !== "none" };
  const { allowed, rule } = decision;
  const from = rule === undefined ? [] : sourcesOf(policy.partsOf(subject, claimed), act, rule);
  if (json) writeJson(terminal, { allowed, rule: rule ?? null, from, hearing: heard?.hearing ?? null });
  else writeLine(terminal, explain(allowed, heard?.hearing === "some", rule, from));
  return allowed ? exitCode.ok : exitCode.failed;
}

function explain(allowed: boolean, isPartial: boolean, rule: string | undefined, from: readonly string[]): string {
  if (rule === undefined) return "denied: no rule allows it";
  const where = from.length === 0 ? "" : `, of ${from.join(" and ")}`;
  if (isPartial) return `allowed, except for what "${rule}"${where} takes out`;
  return `${allowed ? "allowed" : "denied"} by "${rule}"${where}`;
}

/** The parts of a policy that have this rule. */
function sourcesOf(parts: readonly GrantPart[], act: Act, rule: string): string[] {
  const pattern = rule.slice(rule.indexOf(" ") + 1);
  const has = ({ grants }: GrantPart): boolean => {
    const { allow, deny } = mergeGrants([grants])[act];
    return (rule.startsWith("deny ") ? deny : allow).includes(pattern);
  };
  return parts.filter(has).map(({ from }) => from);
}

function isAct(text: string): text is Act {
  return (acts as readonly string[]).includes(text);
}
