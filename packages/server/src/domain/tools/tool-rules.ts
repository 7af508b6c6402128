import { LoomError, limits } from "@loom-bridge/protocol";
import { atMost } from "../at-most.ts";
import type { ToolDescriptor } from "./tool.ts";

const namePattern = /^[A-Za-z0-9_.:/-]+$/;
const descriptionBytes = 4096;

/** Checks what a provider says of a tool, apart from its schema's content. @throws LoomError `invalid_argument` */
export function checkToolDescriptor({ name, description, parametersSchema, metadata }: ToolDescriptor): void {
  if (name === "" || Buffer.byteLength(name) > limits.idBytes || !namePattern.test(name)) {
    throw invalid("name", `tool name ${quote(name)} must be 1 to ${limits.idBytes} bytes of A-Z a-z 0-9 _ . : / -`);
  }
  const [textBytes, schemaBytes] = [Buffer.byteLength(description), Buffer.byteLength(parametersSchema)];
  const of = `of tool ${quote(name)}`;
  atMost(
    { descriptionBytes },
    { field: `description ${of}`, unit: "bytes", count: textBytes, limit: "descriptionBytes" },
  );
  atMost(limits, { field: `parameters_schema ${of}`, unit: "bytes", count: schemaBytes, limit: "schemaBytes" });
  checkPairs("metadata", metadata);
}

/** Checks free pairs: how many, and how large. @throws LoomError `invalid_argument` */
export function checkPairs(field: string, pairs: Readonly<Record<string, string>>): void {
  const entries = Object.entries(pairs);
  atMost(limits, { field, unit: "pairs", count: entries.length, limit: "metadataPairs" });
  for (const [key, value] of entries) {
    const [keyBytes, valueBytes] = [Buffer.byteLength(key), Buffer.byteLength(value)];
    atMost(limits, { field: `a key of ${field}`, unit: "bytes", count: keyBytes, limit: "metadataKeyBytes" });
    atMost(limits, { field: `${field} ${quote(key)}`, unit: "bytes", count: valueBytes, limit: "metadataValueBytes" });
  }
}

/** Shows a name that may be long or strange. */
export function quote(name: string): string {
  return JSON.stringify(name.length > limits.idBytes ? `${name.slice(0, limits.idBytes)}…` : name);
}

function invalid(field: string, message: string): LoomError {
  return new LoomError("invalid_argument", message, { details: { field } });
}
