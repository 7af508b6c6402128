import type { Chain, ToolCall, ToolRequest, ToolResponse, ToolResult } from "../messages.ts";
import type { EnvelopeWriter } from "./envelope-writer.ts";
import { toolTags } from "./tool-tags.ts";
import { blockBytes, pairBytes, textBytes, textFieldBytes, varintBytes } from "./write-field.ts";

/** A call of a tool or its result, as ClientEvent and Delivery carry them. */
export type ToolFrame = { case: "toolRequest"; value: ToolRequest } | { case: "toolResponse"; value: ToolResponse };

/**
 * Writes a call or a result as protobuf-es does, in a fraction of its time. Returns false, and writes nothing, for what
 * is unusual or no such message: that is for protobuf-es to write, or to refuse.
 * @throws LoomError `resource_exhausted` when it is too large; nothing was written then
 */
export function writeToolFrame(writer: EnvelopeWriter, frame: ToolFrame): boolean {
  return frame.case === "toolRequest" ? writeRequest(writer, frame.value) : writeResponse(writer, frame.value);
}

function writeRequest(writer: EnvelopeWriter, request: ToolRequest): boolean {
  const tags = toolTags.request;
  const { ref, call, caller, callers, onBehalfOf, $unknown } = request;
  const chainSize = call?.chain === undefined ? 0 : chainBytes(call.chain);
  const callSize = call === undefined ? 0 : callBytes(call, chainSize);
  const size =
    number(ref) + (call === undefined ? 0 : blockBytes(callSize)) + text(caller) + texts(callers) + number(onBehalfOf);
  if (Number.isNaN(size) || $unknown !== undefined) return false;
  begin(writer, toolTags.frame.toolRequest, size);
  writeNumber(writer, tags.ref, ref);
  if (call !== undefined) {
    writer.byte(tags.call);
    writer.varint(callSize);
    writeCall(writer, call, chainSize);
  }
  writer.text(tags.caller, caller);
  for (const each of callers) writeFullText(writer, tags.callers, each);
  writeNumber(writer, tags.onBehalfOf, onBehalfOf);
  return true;
}

function writeResponse(writer: EnvelopeWriter, { ref, result, $unknown }: ToolResponse): boolean {
  const resultSize = result === undefined ? 0 : resultBytes(result);
  const size = number(ref) + (result === undefined ? 0 : blockBytes(resultSize));
  if (Number.isNaN(size) || $unknown !== undefined) return false;
  begin(writer, toolTags.frame.toolResponse, size);
  writeNumber(writer, toolTags.response.ref, ref);
  if (result !== undefined) {
    writer.byte(toolTags.response.result);
    writer.varint(resultSize);
    writeNumber(writer, toolTags.result.status, result.status);
    writer.text(toolTags.result.output, result.output);
    writer.text(toolTags.result.id, result.id);
  }
  return true;
}

function writeCall(writer: EnvelopeWriter, call: ToolCall, chainSize: number): void {
  const tags = toolTags.call;
  writer.text(tags.id, call.id);
  writer.text(tags.name, call.name);
  writer.text(tags.arguments, call.arguments);
  writeNumber(writer, tags.timeoutMs, call.timeoutMs);
  for (const key in call.headers) {
    const value = call.headers[key] ?? "";
    writer.byte(tags.headers);
    writer.varint(pairBytes(key, value));
    writeFullText(writer, toolTags.pair.key, key);
    writeFullText(writer, toolTags.pair.value, value);
  }
  writer.text(tags.correlationId, call.correlationId);
  writer.text(tags.idempotencyKey, call.idempotencyKey);
  if (call.chain !== undefined) {
    writer.byte(tags.chain);
    writer.varint(chainSize);
    writeChain(writer, call.chain);
  }
  writer.text(tags.toolHash, call.toolHash);
}

function writeChain(writer: EnvelopeWriter, { hops, remainingMs, budget, path, spent }: Chain): void {
  const tags = toolTags.chain;
  writeNumber(writer, tags.hops, hops);
  writeNumber(writer, tags.remainingMs, Number(remainingMs));
  writeNumber(writer, tags.budget, budget);
  for (const step of path) writeFullText(writer, tags.path, step);
  writeNumber(writer, tags.spent, spent ? 1 : 0);
}

/** How many bytes a call takes. NaN, here and below: something in it is not what its type says. */
function callBytes(call: ToolCall, chainSize: number): number {
  if (call.$unknown !== undefined) return Number.NaN;
  let bytes = text(call.id) + text(call.name) + text(call.arguments) + number(call.timeoutMs) + text(call.toolHash);
  bytes +=
    text(call.correlationId) + text(call.idempotencyKey) + (call.chain === undefined ? 0 : blockBytes(chainSize));
  for (const key in call.headers) {
    const value = call.headers[key];
    if (typeof value !== "string" || !Object.hasOwn(call.headers, key)) return Number.NaN;
    bytes += blockBytes(pairBytes(key, value));
  }
  return bytes;
}

function resultBytes({ status, output, id, error, $unknown }: ToolResult): number {
  // Errors are rare.
  if (error !== undefined || $unknown !== undefined) return Number.NaN;
  return number(status) + text(output) + text(id);
}

function chainBytes({ hops, remainingMs, budget, path, spent, $unknown }: Chain): number {
  if ($unknown !== undefined || typeof remainingMs !== "bigint" || typeof spent !== "boolean") return Number.NaN;
  if (remainingMs < 0n || remainingMs > Number.MAX_SAFE_INTEGER) return Number.NaN;
  const timeBytes = remainingMs === 0n ? 0 : 1 + varintBytes(Number(remainingMs));
  return number(hops) + timeBytes + number(budget) + texts(path) + (spent ? 2 : 0);
}

/** One that is 0 is left out. */
function number(value: number): number {
  if (!Number.isInteger(value) || value < 0 || value > 0x7fff_ffff) return Number.NaN;
  return value === 0 ? 0 : 1 + varintBytes(value);
}

/** One that is empty is left out. */
function text(value: string): number {
  return typeof value === "string" ? textFieldBytes(value) : Number.NaN;
}

/** In a list, empty ones are written too. */
function texts(values: readonly string[]): number {
  let bytes = 0;
  for (const value of values) bytes += typeof value === "string" ? blockBytes(textBytes(value)) : Number.NaN;
  return bytes;
}

function begin(writer: EnvelopeWriter, tag: number, size: number): void {
  writer.begin(blockBytes(size));
  writer.byte(tag);
  writer.varint(size);
}

function writeNumber(writer: EnvelopeWriter, tag: number, value: number): void {
  if (value === 0) return;
  writer.byte(tag);
  writer.varint(value);
}

/** A text that is written even if it is empty. */
function writeFullText(writer: EnvelopeWriter, tag: number, value: string): void {
  if (value !== "") return writer.text(tag, value);
  writer.byte(tag);
  writer.byte(0);
}
