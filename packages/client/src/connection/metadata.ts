import { LoomError } from "@loom-bridge/protocol";
import type { TokenSource } from "./token-source.ts";

/** Headers of every call: pairs, or a record. */
export type Metadata = readonly (readonly [name: string, value: string])[] | Readonly<Record<string, string>>;

/** Headers, or a function that is asked before every call, for tokens that change. */
export type MetadataSource = Metadata | (() => Metadata | Promise<Metadata>);

export interface Speaker {
  readonly tokens?: TokenSource | undefined;
  /** The agent that calls without a session are made for. */
  readonly agentId?: string | undefined;
}

/**
 * Returns a function that makes the headers of a call.
 * @throws LoomError `invalid_argument` at once when the given pairs cannot be sent.
 */
export function createHeaderSource(source: MetadataSource, { tokens, agentId }: Speaker = {}): () => Promise<Headers> {
  const about: Metadata = agentId === undefined ? [] : [["loom-agent-id", agentId]];
  if (typeof source !== "function" && tokens === undefined) {
    const headers = toHeaders(source, about);
    return () => Promise.resolve(headers);
  }
  // Checked at once; made anew where something may change.
  if (typeof source !== "function") toHeaders(source, about);
  return async () => {
    const headers = toHeaders(typeof source === "function" ? await ask(source) : source, about);
    if (tokens !== undefined) headers.set("authorization", `Bearer ${await tokens.get()}`);
    return headers;
  };
}

async function ask(source: () => Metadata | Promise<Metadata>): Promise<Metadata> {
  try {
    return await source();
  } catch (cause) {
    throw new LoomError("unauthenticated", "the function that makes the metadata failed", { cause });
  }
}

function toHeaders(...parts: Metadata[]): Headers {
  const headers = new Headers();
  const pairs = parts.flatMap((metadata) =>
    Array.isArray(metadata) ? (metadata as readonly (readonly [string, string])[]) : Object.entries(metadata),
  );
  for (const [name, value] of pairs) {
    if (!/^[0-9A-Za-z_.-]+$/.test(name)) throw invalid(name, "a name is made of A-Z a-z 0-9 _ . -");
    if (isReserved(name.toLowerCase())) throw invalid(name, "this name belongs to the transport");
    // Visible ASCII, as gRPC allows. The value is not shown: it is often a secret.
    if (!/^[\x20-\x7e]*$/.test(value)) throw invalid(name, "its value has characters that no header can carry");
    headers.append(name, value);
  }
  return headers;
}

const reserved: ReadonlySet<string> = new Set([
  "content-type",
  "content-length",
  "te",
  "host",
  "connection",
  "trailer",
]);

function isReserved(name: string): boolean {
  return reserved.has(name) || name.startsWith("grpc-") || name.startsWith("connect-");
}

function invalid(name: string, problem: string): LoomError {
  return new LoomError("invalid_argument", `metadata ${JSON.stringify(name)} cannot be sent: ${problem}`, {
    details: { field: "metadata" },
  });
}
