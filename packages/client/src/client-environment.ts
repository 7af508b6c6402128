import { readFileSync } from "node:fs";
import { LoomError } from "@loom-bridge/protocol";
import type { BridgeClientOptions } from "./bridge-client-options.ts";
import { defaultAddress } from "./connection/address.ts";
import type { Credentials } from "./transport/node-transport.ts";

/** What the options leave out and the environment says. */
export function withEnvironment(options: BridgeClientOptions): BridgeClientOptions & { readonly address: string } {
  const { env } = process;
  // An empty variable is how many tools write "not set".
  const address = options.address ?? (env["LOOM_BRIDGE_ADDR"] || defaultAddress);
  const token = options.token ?? (env["LOOM_BRIDGE_TOKEN"] || undefined);
  const credentials = options.credentials ?? credentialsOf(env);
  return {
    ...options,
    address,
    ...(token === undefined || options.transport !== undefined ? {} : { token }),
    ...(credentials === undefined ? {} : { credentials }),
  };
}

function credentialsOf(env: NodeJS.ProcessEnv): Credentials | undefined {
  const credentials: Credentials = {};
  const files = { ca: "LOOM_BRIDGE_TLS_CA", cert: "LOOM_BRIDGE_CLIENT_CERT", key: "LOOM_BRIDGE_CLIENT_KEY" } as const;
  for (const [field, name] of Object.entries(files) as [keyof typeof files, string][]) {
    const path = env[name];
    if (path) credentials[field] = readPem(name, path);
  }
  const serverName = env["LOOM_BRIDGE_SERVER_NAME"];
  if (serverName) credentials.serverName = serverName;
  return Object.keys(credentials).length === 0 ? undefined : credentials;
}

function readPem(name: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new LoomError("invalid_argument", `${name} is ${path}, which cannot be read (${code}); name a PEM file`, {
      cause,
      details: { field: name },
    });
  }
}
