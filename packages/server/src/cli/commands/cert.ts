import { mkdir, readFile, writeFile } from "node:fs/promises";
import { isIP } from "node:net";
import { join, resolve } from "node:path";
import { generate } from "selfsigned";
import { z } from "zod";
import { exitCode } from "../exit-code.ts";
import { writeLine } from "../output.ts";
import type { Terminal } from "../terminal.ts";

export interface CertOptions {
  readonly dir: string;
  readonly host?: readonly string[];
  readonly client?: readonly string[];
  readonly days: number;
}

interface Pair {
  readonly cert: string;
  readonly key: string;
}

type GenerateOptions = NonNullable<Parameters<typeof generate>[1]>;
type Extension = NonNullable<GenerateOptions["extensions"]>[number];
type AltName = Extract<Extension, { name: "subjectAltName" }>["altNames"][number];

const dayMs = 86_400_000;
/** Clocks of other machines may be a little behind. */
const backdateMs = 300_000;

/**
 * Makes certificates for development: an authority in the folder if it has none, one for the bridge, and one for each
 * client, whose name is in the certificate as `spiffe://loom-bridge/<name>`, as DNS name and as common name.
 */
export async function cert(terminal: Terminal, options: CertOptions): Promise<number> {
  const folder = resolve(terminal.cwd, options.dir);
  const nowMs = terminal.runtime.now();
  await mkdir(folder, { recursive: true });
  const authority = (await readPair(folder, "ca")) ?? (await makeAuthority());
  const hosts = options.host ?? ["localhost", "127.0.0.1", "::1"];
  const made = ["server"];
  await writePair("server", await issue(hosts[0] ?? "localhost", hosts.map(toAltName), "serverAuth"));
  for (const name of options.client ?? []) {
    const uri: AltName = { type: 6, value: `spiffe://loom-bridge/${encodeURIComponent(name)}` };
    const dns: AltName[] = /^[A-Za-z0-9.-]+$/.test(name) ? [{ type: 2, value: name }] : [];
    await writePair(`client-${encodeURIComponent(name)}`, await issue(name, [uri, ...dns], "clientAuth"));
    made.push(`client-${encodeURIComponent(name)}`);
  }
  writeLine(terminal, `${join(folder, "ca.pem")}: for --tls-ca of clients, and --tls-client-ca of the bridge`);
  for (const name of made) writeLine(terminal, `${join(folder, `${name}.pem`)} and its key, for ${options.days} days`);
  terminal.writeError("These are for development: whoever has ca-key.pem can be anybody.\n");
  return exitCode.ok;

  async function makeAuthority(): Promise<Pair> {
    const pair = await make("Loom Bridge development authority", 365, [
      { name: "basicConstraints", cA: true, critical: true },
      { name: "keyUsage", keyCertSign: true, cRLSign: true, critical: true },
    ]);
    await writePair("ca", pair);
    return pair;
  }

  function issue(name: string, altNames: AltName[], usage: "serverAuth" | "clientAuth"): Promise<Pair> {
    const extensions: Extension[] = [
      { name: "basicConstraints", cA: false, critical: true },
      { name: "keyUsage", digitalSignature: true, critical: true },
      { name: "extKeyUsage", [usage]: true },
      { name: "subjectAltName", altNames },
    ];
    return make(name, options.days, extensions, authority);
  }

  async function make(commonName: string, days: number, extensions: Extension[], ca?: Pair): Promise<Pair> {
    const { cert: made, private: key } = await generate([{ name: "commonName", value: commonName }], {
      keyType: "ec",
      algorithm: "sha256",
      notBeforeDate: toDate(nowMs - backdateMs),
      notAfterDate: toDate(nowMs + days * dayMs),
      extensions,
      ...(ca === undefined ? {} : { ca: { cert: ca.cert, key: ca.key } }),
    });
    return { cert: made, key };
  }

  async function writePair(name: string, pair: Pair): Promise<void> {
    await writeFile(join(folder, `${name}.pem`), pair.cert);
    await writeFile(join(folder, `${name}-key.pem`), pair.key, { mode: 0o600 });
  }
}

async function readPair(folder: string, name: string): Promise<Pair | undefined> {
  try {
    const [cert, key] = await Promise.all(
      [`${name}.pem`, `${name}-key.pem`].map((file) => readFile(join(folder, file), "utf8")),
    );
    return cert === undefined || key === undefined ? undefined : { cert, key };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function toAltName(host: string): AltName {
  return isIP(host) === 0 ? { type: 2, value: host } : { type: 7, ip: host };
}

function toDate(ms: number): Date {
  return z.coerce.date().parse(ms);
}
