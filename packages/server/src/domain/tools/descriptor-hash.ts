import { createHash } from "node:crypto";
import { effectOf } from "./effect-of.ts";
import type { ToolDescriptor } from "./tool.ts";

/** Names what a tool looks like to its callers: 128 bits, which nobody can aim at. */
export function descriptorHash(descriptor: ToolDescriptor): string {
  const { name, description, parametersSchema } = descriptor;
  const text = JSON.stringify([name, description, parametersSchema, effectOf(descriptor)]);
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}
