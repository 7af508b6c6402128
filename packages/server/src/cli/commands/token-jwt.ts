import { readFile, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from "jose";
import { CommandError } from "../command-error.ts";
import { exitCode } from "../exit-code.ts";
import { writeJson, writeLine } from "../output.ts";
import type { Terminal } from "../terminal.ts";

const algorithm = "EdDSA";

/** Makes an issuer for development: its key, and the key set that a bridge checks its tokens with. */
export async function tokenIssuer(terminal: Terminal, options: { key: string; jwks: string }): Promise<number> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true });
  const kid = terminal.runtime.uuid();
  const about = { kid, alg: algorithm, use: "sig" };
  const [key, jwks] = [resolve(terminal.cwd, options.key), resolve(terminal.cwd, options.jwks)];
  await writeNew(key, `${JSON.stringify({ ...(await exportJWK(privateKey)), ...about })}\n`, 0o600);
  await writeNew(jwks, `${JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), ...about }] })}\n`, 0o644);
  writeLine(terminal, `${key} signs tokens: keep it secret`);
  writeLine(terminal, `${jwks} is for --auth-jwt-jwks`);
  return exitCode.ok;
}

export interface TokenIssueOptions {
  readonly key: string;
  readonly issuer: string;
  readonly audience: string;
  readonly subject: string;
  readonly tenant?: string;
  readonly role?: readonly string[];
  /** In seconds. */
  readonly expires: number;
  readonly json?: true;
}

/** Issues a token for development. */
export async function tokenIssue(terminal: Terminal, options: TokenIssueOptions): Promise<number> {
  const { issuer, audience, subject, tenant, role, expires } = options;
  const jwk = await readKey(resolve(terminal.cwd, options.key));
  const nowSec = Math.floor(terminal.runtime.now() / 1000);
  const loom = { ...(tenant === undefined ? {} : { tenant }), ...(role === undefined ? {} : { roles: [...role] }) };
  const token = await new SignJWT(Object.keys(loom).length === 0 ? {} : { loom })
    .setProtectedHeader({ alg: jwk.alg ?? algorithm, kid: jwk.kid ?? "" })
    .setIssuer(issuer)
    .setAudience(audience)
    .setSubject(subject)
    // By which a policy can revoke it.
    .setJti(terminal.runtime.uuid())
    .setIssuedAt(nowSec)
    .setExpirationTime(nowSec + expires)
    .sign(await importJWK(jwk, jwk.alg ?? algorithm));
  if (options.json) writeJson(terminal, { token, expiresMs: (nowSec + expires) * 1000 });
  else writeLine(terminal, token);
  return exitCode.ok;
}

async function readKey(path: string): Promise<JWK> {
  try {
    return JSON.parse(await readFile(path, "utf8")) as JWK;
  } catch (cause) {
    const problem = `${path} is no key; "loom-bridge token issuer" makes one`;
    throw new CommandError(exitCode.usage, "invalid_argument", problem, { cause });
  }
}

/** A key that is overwritten would make every token of the old one worthless. */
async function writeNew(path: string, text: string, mode: number): Promise<void> {
  try {
    await writeFile(path, text, { flag: "wx", mode });
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const problem =
      code === "EEXIST" ? "is there already; remove it, or choose another name" : `cannot be written (${code})`;
    throw new CommandError(exitCode.failed, "already_exists", `${path} ${problem}`, { cause });
  }
}
