import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { LoomError } from "@loom-bridge/protocol";
import { parse, YAMLParseError } from "yaml";
import { closest } from "./closest.ts";
import { type Setting, settings } from "./config-schema.ts";

/** The name that is looked for in the working folder. */
export const configFileName: string = "loom-bridge.yaml";

/** What a configuration file sets. The values are not checked yet. */
export interface ConfigFile {
  readonly path: string;
  readonly values: ReadonlyMap<string, unknown>;
}

/**
 * Reads the file that was named, or `loom-bridge.yaml` of the working folder when there is one.
 * @throws LoomError `invalid_argument` when it cannot be read, is not YAML or has an unknown key.
 */
export async function readConfigFile(cwd: string, named: string | undefined): Promise<ConfigFile | undefined> {
  const path = resolve(cwd, named ?? configFileName);
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT" && named === undefined) return undefined;
    const problem = code === "ENOENT" ? "there is no such file" : `it cannot be read (${code})`;
    throw invalid(path, problem, { cause });
  }
  return { path, values: flatten(path, parseYaml(path, text)) };
}

function parseYaml(path: string, text: string): unknown {
  try {
    return parse(text);
  } catch (cause) {
    if (!(cause instanceof YAMLParseError)) throw cause;
    throw invalid(path, cause.message.split("\n")[0]?.replace(/:$/, "") ?? cause.code, { cause });
  }
}

/** Turns nested maps into dotted keys, and refuses keys that no setting has. */
function flatten(path: string, document: unknown): Map<string, unknown> {
  const values = new Map<string, unknown>();
  if (document === null || document === undefined) return values;
  if (!isMap(document)) throw invalid(path, `it holds ${JSON.stringify(document)}; write "key: value" lines`);
  const pending: [prefix: string, map: Record<string, unknown>][] = [["", document]];
  for (const [prefix, map] of pending) {
    for (const [name, value] of Object.entries(map)) {
      const key = `${prefix}${name}`;
      const setting = settings.find((candidate) => candidate.key === key);
      if (setting !== undefined) values.set(key, resolvePath(setting, path, value));
      else if (!isGroup(key)) throw unknownKey(path, key);
      else if (isMap(value)) pending.push([`${key}.`, value]);
      else if (value !== null) throw invalid(path, `${key} is ${show(value)}; allowed: ${keysBelow(key).join(", ")}`);
    }
  }
  return values;
}

function resolvePath({ isPath }: Setting, path: string, value: unknown): unknown {
  return isPath && typeof value === "string" && value !== "" && !isUrl(value) ? resolve(dirname(path), value) : value;
}

/** Some settings take a file or an address. */
export function isUrl(value: string): boolean {
  return /^https?:\/\//i.test(value);
}

function unknownKey(path: string, key: string): LoomError {
  const parent = key.slice(0, key.lastIndexOf(".") + 1);
  const siblings = [...new Set(settings.filter((setting) => setting.key.startsWith(parent)).map(nameBelow))];
  const guess = closest(key, [...siblings, ...settings.map((setting) => setting.key)]);
  const remedy = guess === undefined ? `allowed: ${siblings.join(", ")}` : `did you mean ${JSON.stringify(guess)}?`;
  return invalid(path, `unknown key ${JSON.stringify(key)}; ${remedy}`);

  function nameBelow(setting: Setting): string {
    const end = setting.key.indexOf(".", parent.length);
    return end < 0 ? setting.key : setting.key.slice(0, end);
  }
}

function isGroup(key: string): boolean {
  return keysBelow(key).length > 0;
}

function keysBelow(group: string): string[] {
  return settings.map(({ key }) => key).filter((key) => key.startsWith(`${group}.`));
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Shows a value that may be long. */
export function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

function invalid(path: string, problem: string, options: { cause?: unknown } = {}): LoomError {
  return new LoomError("invalid_argument", `${path}: ${problem}`, { ...options, details: { field: path } });
}
