import { readFile } from "node:fs/promises";
import { LoomError } from "@loom-bridge/protocol";
import { parse, YAMLParseError } from "yaml";
import { createPolicy, type Policy } from "./policy.ts";

/**
 * Reads a policy from a YAML or JSON file.
 * @throws LoomError `invalid_argument` that names the file and what is wrong with it.
 */
export async function readPolicyFile(path: string): Promise<Policy> {
  try {
    return createPolicy(parse(await readFile(path, "utf8")));
  } catch (cause) {
    throw new LoomError("invalid_argument", `${path}: ${problemOf(cause)}`, {
      cause,
      details: { field: "auth.policy" },
    });
  }
}

function problemOf(error: unknown): string {
  if (LoomError.isInstance(error)) return error.rawMessage;
  if (error instanceof YAMLParseError) return error.message.split("\n")[0]?.replace(/:$/, "") ?? error.code;
  const { code } = error as NodeJS.ErrnoException;
  if (code === "ENOENT") return "there is no such file";
  return code === undefined ? String(error) : `it cannot be read (${code})`;
}
