import { type Command, Option } from "commander";
import { type Setting, settings } from "../../config/config-schema.ts";
import { type LoadedConfig, loadConfig } from "../../config/load-config.ts";
import { allowedValues, defaultText } from "../../config/setting-value.ts";
import { formatAddress, parseAddress } from "../../listener/address.ts";
import { CommandError } from "../command-error.ts";
import { exitCode } from "../exit-code.ts";
import type { Terminal } from "../terminal.ts";

/** Adds a flag for every setting whose key begins so, and those for the configuration file and the port. */
export function addSettingOptions(command: Command, prefix = ""): Command {
  command
    .optionsGroup("Settings:")
    .option(
      "--config <file>",
      "the configuration file (default: ./loom-bridge.yaml if there is one, env: LOOM_BRIDGE_CONFIG)",
    );
  if (prefix === "") command.option("--port <number>", "listen on this port, on the host of --address");
  const added = settings.filter(({ key }) => key.startsWith(prefix));
  for (const setting of added) command.addOption(new Option(flagOf(setting), describe(setting)));
  return command;
}

function flagOf({ flag, placeholder }: Setting): string {
  return placeholder === "boolean" ? `${flag} [boolean]` : `${flag} <${placeholder}>`;
}

function describe(setting: Setting): string {
  const choices = /^(kind|level|format)$/.test(setting.placeholder) ? `${allowedValues(setting)}; ` : "";
  const fallback = defaultText(setting);
  const description = setting.description.replace(/\.$/, "");
  const shown = fallback === undefined ? "" : `default: ${fallback}, `;
  return `${description} (${choices}${shown}env: ${setting.env})`;
}

/**
 * Loads the configuration that the parsed options, the environment and the file ask for, or the part of it whose keys
 * begin with one of `only`.
 * @throws LoomError or CommandError that say what is wrong.
 */
export async function loadConfigOf(
  terminal: Terminal,
  command: Command,
  only?: readonly string[],
): Promise<LoadedConfig> {
  const flags = new Map<string, string | true>();
  for (const setting of settings) {
    const value: unknown = command.getOptionValue(new Option(flagOf(setting)).attributeName());
    if (value === true || typeof value === "string") flags.set(setting.key, value);
  }
  const { config: file, port } = command.opts<{ config?: string; port?: string }>();
  const loaded = await loadConfig({ cwd: terminal.cwd, env: terminal.env, flags, file, only });
  if (port === undefined) return loaded;
  if (!/^[0-9]{1,5}$/.test(port) || Number(port) > 65_535) {
    const message = `--port is ${JSON.stringify(port)}; allowed: a whole number from 0 to 65535`;
    throw new CommandError(exitCode.usage, "invalid_argument", message);
  }
  const address = formatAddress({ ...parseAddress(loaded.config.address), port: Number(port) });
  const sources = new Map(loaded.sources).set("address", { kind: "flag", name: "--port" });
  return { ...loaded, config: { ...loaded.config, address }, sources };
}
