import { readFile, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { isSeq, parseDocument, stringify } from "yaml";
import { createApiKey } from "../../auth/api-key.ts";
import { createPolicy } from "../../auth/policy.ts";
import { exitCode } from "../exit-code.ts";
import { isoTime } from "../iso-time.ts";
import { writeJson, writeLine } from "../output.ts";
import type { Terminal } from "../terminal.ts";

export interface TokenKeyOptions {
  readonly subject: string;
  readonly tenant?: string;
  /** In seconds. */
  readonly expires?: number;
  /** The policy that the key is written into. */
  readonly policy?: string;
  readonly json?: true;
}

/** Makes an API key: the key for its owner, and what a policy keeps of it. */
export async function tokenKey(terminal: Terminal, options: TokenKeyOptions): Promise<number> {
  const { key, id, hash } = createApiKey();
  const { subject, tenant, expires } = options;
  const entry = {
    id,
    hash,
    subject,
    ...(tenant === undefined ? {} : { tenant }),
    ...(expires === undefined ? {} : { expires: isoTime(terminal.runtime.now() + expires * 1000) }),
  };
  // Refuses a subject or a tenant that is none before anything is written.
  createPolicy({ keys: [entry] });
  const path = options.policy === undefined ? undefined : resolve(terminal.cwd, options.policy);
  if (path !== undefined) await addToPolicy(path, entry);
  if (options.json) {
    writeJson(terminal, { key, entry, policy: path ?? null });
    return exitCode.ok;
  }
  writeLine(terminal, key);
  const told =
    path === undefined
      ? `Put this under "keys" in the policy, and have it reloaded:\n\n${stringify([entry])}`
      : `${path} has the key's hash now; "loom-bridge reload" or SIGHUP makes it known.\n`;
  terminal.writeError(`\nThis is the only time that the key is shown. ${told}`);
  return exitCode.ok;
}

/** Keeps the rest of the file as it is, its comments too. */
async function addToPolicy(path: string, entry: object): Promise<void> {
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "";
    throw error;
  });
  const document = parseDocument(text);
  createPolicy(document.toJS());
  if (isSeq(document.get("keys"))) document.addIn(["keys"], document.createNode(entry));
  else document.set("keys", [entry]);
  await writeFile(path, document.toString());
}
