import { LoomError, limits } from "@loom-bridge/protocol";
import type { ToolDescriptor } from "./tool.ts";

const namePattern = /^[A-Za-z0-9_.:/-]+$/;
const maxDescriptionBytes = 4096;

/** Checks what a provider says of a tool, apart from its schema's content. @throws LoomError `invalid_argument` */
export function checkToolDescriptor({ name, description, parametersSchema, metadata }: ToolDescriptor): void {
  if (name === "" || Buffer.byteLength(name) > limits.idBytes || !namePattern.test(name)) {
    throw invalid("name", `tool name ${quote(name)} must be 1 to ${limits.idBytes} bytes of A-Z a-z 0-9 _ . : / -`);
  }
  atMost("description", name, Buffer.byteLength(description), maxDescriptionBytes);
  atMost("parameters_schema", name, Buffer.byteLength(parametersSchema), limits.schemaBytes);
  checkPairs("metadata", metadata);
}

/** Checks free pairs: how many, and how large. @throws LoomError `invalid_argument` */
export function checkPairs(field: string, pairs: Readonly<Record<string, string>>): void {
  const entries = Object.entries(pairs);
  if (entries.length > limits.metadataPairs) {
    throw invalid(field, `${field} has ${entries.length} pairs; at most ${limits.metadataPairs} are allowed`);
  }
  for (const [key, value] of entries) {
    const [keyBytes, valueBytes] = [Buffer.byteLength(key), Buffer.byteLength(value)];
    if (keyBytes > limits.metadataKeyBytes) {
      throw invalid(field, `${field} has a key of ${keyBytes} bytes; at most ${limits.metadataKeyBytes} are allowed`);
    }
    if (valueBytes > limits.metadataValueBytes) {
      throw invalid(
        field,
        `${field} ${quote(key)} has ${valueBytes} bytes; at most ${limits.metadataValueBytes} are allowed`,
      );
    }
  }
}

/** Shows a name that may be long or strange. */
export function quote(name: string): string {
  return JSON.stringify(name.length > limits.idBytes ? `${name.slice(0, limits.idBytes)}…` : name);
}

function atMost(field: string, name: string, bytes: number, maxBytes: number): void {
  if (bytes > maxBytes) {
    throw invalid(field, `${field} of tool ${quote(name)} has ${bytes} bytes; at most ${maxBytes} are allowed`);
  }
}

function invalid(field: string, message: string): LoomError {
  return new LoomError("invalid_argument", message, { details: { field } });
}
