import { LoomError } from "@loom-bridge/protocol";
import type { Command } from "commander";
import { createConfiguredAuthenticator } from "../../auth/configured-authenticator.ts";
import { acts } from "../../domain/access/grants.ts";
import { CommandError } from "../command-error.ts";
import { exitCode } from "../exit-code.ts";
import { isoTime } from "../iso-time.ts";
import { writeJson, writeLine, writeTable } from "../output.ts";
import type { Terminal } from "../terminal.ts";
import { authenticationOf } from "../up/authentication-of.ts";
import { loadConfigOf } from "../up/setting-options.ts";

/** Tells whom a bridge with this configuration would take a token or a key for, or why it would refuse it. */
export async function tokenVerify(terminal: Terminal, command: Command, token: string): Promise<number> {
  const { config } = await loadConfigOf(terminal, command, ["auth.", "tls."]);
  const options = authenticationOf(config);
  if (options === undefined) {
    throw new CommandError(
      exitCode.usage,
      "invalid_argument",
      "this configuration asks nobody who they are; add --auth",
    );
  }
  const authenticator = await createConfiguredAuthenticator(options);
  const text = token === "-" ? (await terminal.readInput()).trim() : token;
  const header = new Headers({ authorization: `Bearer ${text}` });
  const { json } = command.opts<{ json?: true }>();
  try {
    const principal = await authenticator.authenticate({ header, certificate: undefined, remoteAddress: "" });
    if (principal === undefined) throw new LoomError("unauthenticated", "no kind of --auth takes it");
    const { subject, tenant, expiresMs, grants } = principal;
    if (expiresMs !== undefined && expiresMs <= terminal.runtime.now()) {
      throw new LoomError("unauthenticated", `it expired at ${isoTime(expiresMs)}`);
    }
    if (json) {
      writeJson(terminal, { valid: true, subject, tenant, expiresMs: expiresMs ?? null, grants });
      return exitCode.ok;
    }
    writeLine(terminal, `valid: ${subject}${tenant === "" ? "" : ` of tenant ${tenant}`}, ${until(expiresMs)}`);
    const granted = acts.filter((act) => grants[act].allow.length + grants[act].deny.length > 0);
    const rows = granted.map((act) => [act, grants[act].allow.join(" ") || "-", grants[act].deny.join(" ") || "-"]);
    writeTable(terminal, ["GRANT", "ALLOW", "DENY"], rows);
    return exitCode.ok;
  } catch (error) {
    if (!LoomError.isInstance(error)) throw error;
    const cause = error.cause instanceof Error ? ` (${error.cause.message})` : "";
    if (json) writeJson(terminal, { valid: false, code: error.code, message: `${error.rawMessage}${cause}` });
    else writeLine(terminal, `not valid: ${error.rawMessage}${cause}`);
    return exitCode.failed;
  }
}

function until(expiresMs: number | undefined): string {
  return expiresMs === undefined ? "without an end" : `until ${isoTime(expiresMs)}`;
}
