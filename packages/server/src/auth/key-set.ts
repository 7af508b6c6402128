import { readFile } from "node:fs/promises";
import { LoomError } from "@loom-bridge/protocol";
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  customFetch,
  errors,
  type FetchImplementation,
  type JSONWebKeySet,
  type JWTVerifyGetKey,
} from "jose";

/** The keys of an issuer, which may change. */
export interface KeySet {
  readonly keys: JWTVerifyGetKey;
  /** Gets them anew. @throws LoomError when they cannot be had; the old ones stay. */
  reload(): Promise<void>;
}

/** What a key set may hold: more is no key set. */
const maxBytes = 262_144;
const timeoutMs = 4000;
/** How long keys are used without asking again, and how often an unknown key makes the bridge ask. */
const cacheMs = 600_000;
const cooldownMs = 30_000;

/**
 * Opens the keys at an `https://` address, which are asked for when they are needed, or in a file (JWKS).
 * @throws LoomError `invalid_argument` that says what is wrong with the source.
 */
export async function openKeySet(source: string): Promise<KeySet> {
  if (/^https?:/i.test(source)) return openRemote(source);
  let current = await readLocal(source);
  return {
    keys: (header, token) => current(header, token),
    async reload() {
      current = await readLocal(source);
    },
  };
}

function openRemote(source: string): KeySet {
  const url = URL.parse(source);
  if (url === null) throw invalid(source, "is no address");
  if (url.protocol !== "https:" && !["localhost", "127.0.0.1", "[::1]"].includes(url.hostname)) {
    throw invalid(source, "is not encrypted: whoever is on the way could put in keys of its own; write https://");
  }
  const remote = createRemoteJWKSet(url, {
    timeoutDuration: timeoutMs,
    cacheMaxAge: cacheMs,
    cooldownDuration: cooldownMs,
    [customFetch]: fetchBounded,
  });
  return {
    keys: remote,
    async reload() {
      try {
        await remote.reload();
      } catch (cause) {
        throw new LoomError("unavailable", `the keys at ${source} cannot be had now`, { cause });
      }
    },
  };
}

const fetchBounded: FetchImplementation = async (url, options) => {
  const response = await fetch(url, options);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new errors.JOSEError(`the key set has more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return new Response(Buffer.concat(chunks), { status: response.status, headers: response.headers });
};

async function readLocal(path: string): Promise<JWTVerifyGetKey> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    throw invalid(path, `cannot be read (${(cause as NodeJS.ErrnoException).code})`, cause);
  }
  try {
    return createLocalJWKSet(JSON.parse(text) as JSONWebKeySet);
  } catch (cause) {
    throw invalid(path, 'is no JSON Web Key Set, {"keys":[…]}', cause);
  }
}

function invalid(source: string, problem: string, cause?: unknown): LoomError {
  const details = { field: "auth.jwt.jwks" };
  return new LoomError("invalid_argument", `auth.jwt.jwks ${source} ${problem}`, {
    details,
    ...(cause ? { cause } : {}),
  });
}
