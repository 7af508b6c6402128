import type { Command } from "commander";
import { settings } from "../../config/config-schema.ts";
import { valueText } from "../../config/setting-value.ts";
import { exitCode } from "../exit-code.ts";
import { writeJson, writeLine, writeTable } from "../output.ts";
import type { Terminal } from "../terminal.ts";
import { loadConfigOf } from "../up/setting-options.ts";

/** Shows the configuration that `up` would use, and where each value comes from. */
export async function config(terminal: Terminal, command: Command): Promise<number> {
  const { config: values, sources, file } = await loadConfigOf(terminal, command);
  const rows = settings.map(({ key }) => {
    const { kind, name } = sources.get(key) ?? { kind: "default", name: "" };
    return { key, value: values[key], source: name === "" ? kind : `${kind} ${name}` };
  });
  if (command.opts<{ json?: true }>().json) {
    for (const row of rows) writeJson(terminal, row);
    return exitCode.ok;
  }
  writeTable(
    terminal,
    ["SETTING", "VALUE", "FROM"],
    rows.map(({ key, value, source }) => [key, valueText(value) ?? "-", source]),
  );
  if (file === undefined) writeLine(terminal, "\nNo configuration file was read.");
  return exitCode.ok;
}
