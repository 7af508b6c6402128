import { readFile } from "node:fs/promises";
import { LoomError, type Runtime } from "@loom-bridge/protocol";
import { createConfiguredAuthenticator } from "../../auth/configured-authenticator.ts";
import { type Bridge, createBridge } from "../../bridge.ts";
import { agentLimitsOf } from "../../config/agent-limit-settings.ts";
import type { Config } from "../../config/config-schema.ts";
import type { Authenticator } from "../../domain/access/authenticator.ts";
import type { Logger } from "../../domain/logger.ts";
import type { BridgeTool } from "../../domain/tools/bridge-tool.ts";
import type { TlsOptions } from "../../listener/tls.ts";
import { createBuiltInTools } from "../../tools/built-in-tools.ts";
import { authenticationOf } from "./authentication-of.ts";
import { createStoreOpener } from "./tenant-stores.ts";

/** A bridge as the configuration wants it, with the names of its own tools. */
export interface ConfiguredBridge {
  readonly bridge: Bridge;
  readonly tools: readonly string[];
}

/** Opens the store and the tools, and puts a bridge around them. */
export async function createConfiguredBridge(
  config: Config,
  { runtime, logger }: { readonly runtime: Runtime; readonly logger: Logger },
): Promise<ConfiguredBridge> {
  const tools = createTools(config, runtime);
  const authenticator = await openAuthenticator(config);
  const openStores = createStoreOpener(config, { runtime, logger });
  const bridge = createBridge({
    runtime,
    logger,
    ...(await openStores("")),
    tenants: { max: config["auth.maxTenants"], openStores },
    memoryLimits: { windowSec: config["memory.maxWindowSec"] },
    tools,
    ...(authenticator === undefined ? {} : { authenticator }),
    journal: config["journal.enabled"] && {
      maxEntries: config["journal.maxEntries"],
      maxBytes: config["journal.maxBytes"],
      maxAgeMs: config["journal.maxAgeMs"],
    },
    heartbeatIntervalMs: config["session.heartbeatIntervalMs"],
    stallTimeoutMs: config["session.stallTimeoutMs"],
    registerTimeoutMs: config["session.registerTimeoutMs"],
    limits: agentLimitsOf(config),
  });
  return { bridge, tools: tools.map(({ descriptor }) => descriptor.name) };
}

function createTools(config: Config, runtime: Runtime): BridgeTool[] {
  const { "tools.files.root": root, "tools.files.write": write } = config;
  const { "tools.web.allow": allow, "tools.web.allowPrivate": allowPrivate } = config;
  return createBuiltInTools({
    runtime,
    ...(root === undefined ? {} : { files: { root, write } }),
    ...(allow.length + allowPrivate.length === 0 ? {} : { web: { allow, allowPrivate } }),
  });
}

async function openAuthenticator(config: Config): Promise<Authenticator | undefined> {
  const options = authenticationOf(config);
  return options && (await createConfiguredAuthenticator(options));
}

/** Reads the files that the configuration names for TLS, of which there must be two at least. */
export async function readTlsFiles(config: Config): Promise<TlsOptions> {
  const { "tls.cert": cert = "", "tls.key": key = "", "tls.clientCa": clientCa } = config;
  const tls: TlsOptions = { cert: await readPem("tls.cert", cert), key: await readPem("tls.key", key) };
  if (clientCa === undefined) return tls;
  const others = config["auth.kinds"].some((kind) => kind !== "mtls");
  const clientCertificate = others ? "optional" : "required";
  return { ...tls, ca: await readPem("tls.clientCa", clientCa), clientCertificate };
}

async function readPem(field: string, path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    const message = `${field}: the file ${path} cannot be read (${(cause as NodeJS.ErrnoException).code})`;
    throw new LoomError("invalid_argument", message, { cause, details: { field } });
  }
}
