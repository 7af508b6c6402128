import { createHash, randomBytes } from "node:crypto";
import type { KeyEntry } from "./policy.ts";

/** Tells a key from a token, to people who find one in a log and to tools that look for secrets. */
const prefix = "lbk";

/** A new key, which only its owner gets, and what a policy keeps of it. */
export interface NewApiKey {
  readonly key: string;
  readonly id: string;
  readonly hash: KeyEntry["hash"];
}

/** Makes a key of 256 random bits. */
export function createApiKey(): NewApiKey {
  const id = randomBytes(6).toString("hex");
  const key = `${prefix}_${id}_${randomBytes(32).toString("base64url")}`;
  return { key, id, hash: `sha256:${hashOf(key).toString("hex")}` };
}

/** The id of what looks like a key. */
export function apiKeyId(text: string): string | undefined {
  return /^lbk_([a-z0-9]{4,32})_[A-Za-z0-9_-]{43}$/.exec(text)?.[1];
}

/** A fast hash is enough for 256 random bits, which nobody can guess their way through. */
export function hashOf(key: string): Buffer {
  return createHash("sha256").update(key).digest();
}
