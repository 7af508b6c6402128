import { resolve } from "node:path";
import { LoomError } from "@loom-bridge/protocol";
import { checkAuthSettings } from "./check-auth-settings.ts";
import { type ConfigFile, isUrl, readConfigFile, show } from "./config-file.ts";
import { type Config, configSchema, type Setting, settings } from "./config-schema.ts";
import { allowedValues, fromText } from "./setting-value.ts";

/** Where a value came from. */
export interface Source {
  readonly kind: "default" | "file" | "environment" | "flag";
  /** The file, the variable or the flag. Empty for a default. */
  readonly name: string;
}

export interface ConfigInputs {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What the command line says, by key. `true` is a flag without a value. */
  readonly flags: ReadonlyMap<string, string | true>;
  /** The file to read. Default: LOOM_BRIDGE_CONFIG, then `loom-bridge.yaml` of the working folder if there is one. */
  readonly file?: string | undefined;
  /** Reads settings whose keys begin so, and leaves the others at their defaults. Default: all. */
  readonly only?: readonly string[] | undefined;
}

export interface LoadedConfig {
  readonly config: Config;
  readonly sources: ReadonlyMap<keyof Config, Source>;
  /** The configuration file that was read. */
  readonly file: string | undefined;
}

interface Given {
  readonly source: Source;
  readonly value: unknown;
}

/**
 * Puts the configuration together: flags before the environment before the file before the defaults.
 * @throws LoomError `invalid_argument` that names the source, the key, the value and what is allowed.
 */
export async function loadConfig(inputs: ConfigInputs): Promise<LoadedConfig> {
  const { cwd, env } = inputs;
  const file = await readConfigFile(cwd, inputs.file ?? (env["LOOM_BRIDGE_CONFIG"] || undefined));
  const values: Record<string, unknown> = {};
  const sources = new Map<keyof Config, Source>();
  for (const setting of settings) {
    if (inputs.only?.some((prefix) => setting.key.startsWith(prefix)) === false) continue;
    const given = strongest(setting, inputs, file);
    sources.set(setting.key, given?.source ?? { kind: "default", name: "" });
    if (given !== undefined) values[setting.key] = checked(setting, given, cwd);
  }
  const config = configSchema.parse(values);
  checkTogether(config, sources);
  return { config, sources, file: file?.path };
}

function strongest(setting: Setting, { env, flags }: ConfigInputs, file: ConfigFile | undefined): Given | undefined {
  const flag = flags.get(setting.key);
  if (flag !== undefined) {
    const value = flag === true ? true : fromText(setting, flag);
    return { value, source: { kind: "flag", name: setting.flag } };
  }
  const variable = env[setting.env];
  // An empty variable is how many tools write "not set".
  if (variable !== undefined && variable !== "") {
    return { value: fromText(setting, variable), source: { kind: "environment", name: setting.env } };
  }
  if (file?.values.has(setting.key)) {
    return { value: file.values.get(setting.key), source: { kind: "file", name: file.path } };
  }
  return undefined;
}

function checked(setting: Setting, { source, value }: Given, cwd: string): unknown {
  const result = setting.schema.safeParse(value);
  if (!result.success) {
    const [issue] = result.error.issues;
    const allowed = issue?.code === "custom" ? issue.message : allowedValues(setting);
    const subject = source.kind === "file" ? `${source.name}: ${setting.key}` : source.name;
    throw invalid(setting.key, `${subject} is ${show(value)}; allowed: ${allowed}`);
  }
  const isFile = setting.isPath && !isUrl(String(result.data));
  return isFile ? resolve(cwd, String(result.data)) : result.data;
}

/** What no single setting can tell. */
function checkTogether(config: Config, sources: LoadedConfig["sources"]): void {
  const named = (key: keyof Config): string => {
    const { kind, name } = sources.get(key) ?? { kind: "default", name: "" };
    return kind === "file" ? `${key} (${name})` : name;
  };
  if (config["tls.cert"] !== undefined && config["tls.key"] === undefined) {
    throw invalid("tls.key", `${named("tls.cert")} needs its private key; add --tls-key`);
  }
  for (const key of ["tls.key", "tls.clientCa"] as const) {
    if (config[key] !== undefined && config["tls.cert"] === undefined) {
      throw invalid("tls.cert", `${named(key)} needs the bridge's certificate; add --tls-cert`);
    }
  }
  const problem = checkAuthSettings(config, (key) => sources.get(key)?.kind !== "default");
  if (problem !== undefined) throw invalid(problem.field, problem.message);
  // Without this a bridge told only where to keep its data would keep none of it.
  if (sources.get("store.path")?.kind !== "default" && sources.get("store.kind")?.kind === "default") {
    throw invalid("store.kind", `${named("store.path")} is given, but plans are kept in memory; add --store sqlite`);
  }
  if (config["tools.files.write"] && config["tools.files.root"] === undefined) {
    throw invalid("tools.files.root", `${named("tools.files.write")} needs a folder; add --files-root`);
  }
}

function invalid(field: string, message: string): LoomError {
  return new LoomError("invalid_argument", message, { details: { field } });
}
