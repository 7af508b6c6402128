import type { Chain, ToolCall, ToolRequest, ToolResponse, ToolResult, ToolStatus } from "../messages.ts";
import { toolTags } from "./tool-tags.ts";
import { WireReader } from "./wire-reader.ts";
import { RepeatedText, readText } from "./wire-text.ts";
import type { ToolFrame } from "./write-tool-frame.ts";

const maxUint32 = 2 ** 32 - 1;
const maxInt32 = 2 ** 31 - 1;
/** More headers, callers or steps of a chain are for the real parser to judge. */
const mostEntries = 64;

/**
 * Reads calls of tools and their results as protobuf-es does, in a fraction of its time. Returns nothing for every
 * other message, and for one that is invalid or written in an unusual way: that is for protobuf-es to read, or to refuse.
 */
export class ToolFrameReader {
  readonly #name = new RepeatedText();
  readonly #caller = new RepeatedText();

  read(message: Uint8Array): ToolFrame | undefined {
    const tag = message[0];
    if (tag !== toolTags.frame.toolRequest && tag !== toolTags.frame.toolResponse) return undefined;
    const reader = new WireReader(message, 1);
    if (reader.block() !== message.length) return undefined;
    reader.at = reader.blockStart;
    if (tag === toolTags.frame.toolRequest) {
      const value = this.#readRequest(reader);
      return value && { case: "toolRequest", value };
    }
    const value = readResponse(reader);
    return value && { case: "toolResponse", value };
  }

  #readRequest(reader: WireReader): ToolRequest | undefined {
    const tags = toolTags.request;
    const request: ToolRequest = {
      $typeName: "loom.bridge.v1.ToolRequest",
      ref: 0,
      caller: "",
      callers: [],
      onBehalfOf: 0,
    };
    while (reader.at < reader.end) {
      switch (reader.bytes[reader.at++]) {
        case tags.ref:
          request.ref = reader.varint();
          if (request.ref < 0 || request.ref > maxUint32) return undefined;
          break;
        case tags.call: {
          // Two of them would be one.
          const call = request.call === undefined ? this.#readCall(reader) : undefined;
          if (call === undefined) return undefined;
          request.call = call;
          break;
        }
        case tags.caller: {
          const caller = this.#caller.read(reader);
          if (caller === undefined) return undefined;
          request.caller = caller;
          break;
        }
        case tags.callers: {
          const each = readText(reader);
          if (each === undefined || request.callers.push(each) > mostEntries) return undefined;
          break;
        }
        case tags.onBehalfOf:
          request.onBehalfOf = reader.varint();
          if (request.onBehalfOf < 0 || request.onBehalfOf > maxUint32) return undefined;
          break;
        default:
          return undefined;
      }
    }
    return request;
  }

  #readCall(reader: WireReader): ToolCall | undefined {
    const tags = toolTags.call;
    const outerEnd = reader.enter();
    if (outerEnd < 0) return undefined;
    const call = createCall();
    let headers = 0;
    while (reader.at < reader.end) {
      const tag = reader.bytes[reader.at++];
      if (tag === tags.timeoutMs) {
        call.timeoutMs = reader.varint();
        if (call.timeoutMs < 0 || call.timeoutMs > maxInt32) return undefined;
        continue;
      }
      if (tag === tags.headers) {
        headers += 1;
        if (headers > mostEntries || !readPair(reader, call.headers)) return undefined;
        continue;
      }
      if (tag === tags.chain) {
        const chain = call.chain === undefined ? readChain(reader) : undefined;
        if (chain === undefined) return undefined;
        call.chain = chain;
        continue;
      }
      const text = tag === tags.name ? this.#name.read(reader) : readText(reader);
      if (text === undefined) return undefined;
      if (tag === tags.id) call.id = text;
      else if (tag === tags.name) call.name = text;
      else if (tag === tags.arguments) call.arguments = text;
      else if (tag === tags.correlationId) call.correlationId = text;
      else if (tag === tags.idempotencyKey) call.idempotencyKey = text;
      else if (tag === tags.toolHash) call.toolHash = text;
      else return undefined;
    }
    reader.end = outerEnd;
    return call;
  }
}

function readResponse(reader: WireReader): ToolResponse | undefined {
  const tags = toolTags.response;
  const response: ToolResponse = { $typeName: "loom.bridge.v1.ToolResponse", ref: 0 };
  while (reader.at < reader.end) {
    const tag = reader.bytes[reader.at++];
    if (tag === tags.ref) {
      response.ref = reader.varint();
      if (response.ref < 0 || response.ref > maxUint32) return undefined;
      continue;
    }
    const result = tag === tags.result && response.result === undefined ? readResult(reader) : undefined;
    if (result === undefined) return undefined;
    response.result = result;
  }
  return response;
}

/** One with an error, which is rare, is left to protobuf-es. */
function readResult(reader: WireReader): ToolResult | undefined {
  const tags = toolTags.result;
  const outerEnd = reader.enter();
  if (outerEnd < 0) return undefined;
  const result: ToolResult = { $typeName: "loom.bridge.v1.ToolResult", status: 0, output: "", id: "" };
  while (reader.at < reader.end) {
    const tag = reader.bytes[reader.at++];
    if (tag === tags.status) {
      const status = reader.varint();
      if (status < 0 || status > maxInt32) return undefined;
      // Also one that only a later version knows.
      result.status = status as ToolStatus;
      continue;
    }
    const text = tag === tags.output || tag === tags.id ? readText(reader) : undefined;
    if (text === undefined) return undefined;
    if (tag === tags.output) result.output = text;
    else result.id = text;
  }
  reader.end = outerEnd;
  return result;
}

function readChain(reader: WireReader): Chain | undefined {
  const tags = toolTags.chain;
  const outerEnd = reader.enter();
  if (outerEnd < 0) return undefined;
  const chain: Chain = {
    $typeName: "loom.bridge.v1.Chain",
    hops: 0,
    remainingMs: 0n,
    budget: 0,
    path: [],
    spent: false,
  };
  while (reader.at < reader.end) {
    const tag = reader.bytes[reader.at++];
    if (tag === tags.path) {
      const step = readText(reader);
      if (step === undefined || chain.path.push(step) > mostEntries) return undefined;
      continue;
    }
    const value = reader.varint();
    if (value < 0 || (value > maxUint32 && tag !== tags.remainingMs)) return undefined;
    if (tag === tags.hops) chain.hops = value;
    else if (tag === tags.remainingMs) chain.remainingMs = BigInt(value);
    else if (tag === tags.budget) chain.budget = value;
    else if (tag === tags.spent) chain.spent = value !== 0;
    else return undefined;
  }
  reader.end = outerEnd;
  return chain;
}

function readPair(reader: WireReader, pairs: Record<string, string>): boolean {
  const outerEnd = reader.enter();
  if (outerEnd < 0 || reader.bytes[reader.at++] !== toolTags.pair.key) return false;
  const key = readText(reader);
  if (key === undefined || key === "__proto__" || reader.bytes[reader.at++] !== toolTags.pair.value) return false;
  const value = readText(reader);
  if (value === undefined || reader.at !== reader.end) return false;
  pairs[key] = value;
  reader.end = outerEnd;
  return true;
}

function createCall(): ToolCall {
  return {
    $typeName: "loom.bridge.v1.ToolCall",
    id: "",
    name: "",
    arguments: "",
    timeoutMs: 0,
    headers: {},
    correlationId: "",
    idempotencyKey: "",
    toolHash: "",
  };
}
