import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  ProviderKind,
  type ToolCall,
  type ToolDescriptor as ToolDescriptorMessage,
  type ToolDescriptorSchema,
  ToolEffect as ToolEffectMessage,
  type ToolError,
  ToolErrorSchema,
  type ToolResult,
  ToolStatus,
} from "@loom-bridge/protocol/messages";
import { effectOf } from "../domain/tools/effect-of.ts";
import type { ToolDescriptor, ToolEffect, ToolInvocation, ToolOutcome } from "../domain/tools/tool.ts";
import type { ToolCallRequest } from "../domain/tools/tool-call.ts";
import { type ToolFailureOutcome, toolFailures } from "../domain/tools/tool-outcome.ts";
import type { RegisteredTool } from "../domain/tools/tool-registry.ts";
import { fromChain, toChain } from "./chain-mapping.ts";

/** The call as its caller makes it. Who calls is the connection's to say, never the message's. */
export function toCallRequest(call: ToolCall): Omit<ToolCallRequest, "caller" | "authority"> {
  const { id, name, timeoutMs, headers, correlationId, idempotencyKey, toolHash } = call;
  const chain = toChain(call.chain);
  return { id, name, arguments: call.arguments, timeoutMs, headers, correlationId, idempotencyKey, toolHash, chain };
}

/** The call as its provider gets it. */
export function fromToolInvocation(invocation: ToolInvocation): ToolCall {
  const { id, name, timeoutMs, correlationId, idempotencyKey = "", chain } = invocation;
  const call: ToolCall = {
    $typeName: "loom.bridge.v1.ToolCall",
    id,
    name,
    arguments: invocation.arguments,
    timeoutMs,
    headers: { ...invocation.headers },
    correlationId,
    idempotencyKey,
    toolHash: "",
  };
  if (chain !== undefined) call.chain = fromChain(chain);
  return call;
}

/** Those for whom a call is made, by their agents. */
export function toCallers({ authority = [] }: ToolInvocation): string[] {
  return authority.map(({ agentId = "" }) => agentId);
}

/** What an agent answers. Empty output means null, because a tool that returns nothing has nothing to write. */
export function toToolOutcome(result: ToolResult | undefined): ToolOutcome {
  if (result === undefined) return toolFailures.invalidResult("the response has none");
  const { status, output, error } = result;
  switch (status) {
    case ToolStatus.TOOL_OK:
      // 0 is also what an agent sends that forgot the status of its error.
      if (error !== undefined) return toolFailures.invalidResult("its status is TOOL_OK and it has an error");
      return { status: "ok", output: output === "" ? "null" : output };
    case ToolStatus.TOOL_ERROR:
      return fromCode(error);
    case ToolStatus.TOOL_TIMEOUT:
      return failure("timeout", "TIMEOUT", error, "Timeout");
    case ToolStatus.TOOL_NOT_FOUND:
      return failure("not_found", "NOT_FOUND", error, "Tool not found");
    case ToolStatus.TOOL_INVALID_ARGUMENTS:
      return failure("invalid_arguments", "INVALID_ARGUMENTS", error, "Invalid arguments");
    default:
      return toolFailures.invalidResult(`its status ${status} is unknown`);
  }
}

/** Some agents say TOOL_ERROR whatever happened, and the rest by the code. */
function fromCode(error: ToolError | undefined): ToolFailureOutcome {
  switch (error?.code) {
    case "INVALID_ARGUMENTS":
    case "INVALID_INPUT":
      return failure("invalid_arguments", "INVALID_ARGUMENTS", error, "Invalid arguments");
    case "NOT_FOUND":
      return failure("not_found", "NOT_FOUND", error, "Tool not found");
    default:
      return failure("error", shorten(error?.code || "EXECUTION_ERROR", maxCodeLength), error, "Execution failed");
  }
}

const maxCodeLength = 64;
const maxMessageLength = 4096;
const maxDetails = 16;
const maxDetailLength = 1024;

/** An agent's words are passed on, but not without end: outcomes are kept for repeated calls. */
function failure(
  status: ToolFailureOutcome["status"],
  code: string,
  error: ToolError | undefined,
  defaultMessage: string,
): ToolFailureOutcome {
  const details = Object.entries(error?.details ?? {}).slice(0, maxDetails);
  return {
    status,
    code,
    message: shorten(error?.message || defaultMessage, maxMessageLength),
    details: Object.fromEntries(
      details.map(([key, value]) => [shorten(key, maxDetailLength), shorten(value, maxDetailLength)]),
    ),
  };
}

function shorten(text: string, maxLength: number): string {
  return text.length > maxLength ? `${text.slice(0, maxLength)}…` : text;
}

const statuses: Readonly<Record<ToolOutcome["status"], ToolStatus>> = {
  ok: ToolStatus.TOOL_OK,
  error: ToolStatus.TOOL_ERROR,
  timeout: ToolStatus.TOOL_TIMEOUT,
  not_found: ToolStatus.TOOL_NOT_FOUND,
  invalid_arguments: ToolStatus.TOOL_INVALID_ARGUMENTS,
};

/** The result as its caller gets it. */
export function fromToolOutcome(id: string, outcome: ToolOutcome): ToolResult {
  const $typeName = "loom.bridge.v1.ToolResult";
  const status = statuses[outcome.status];
  if (outcome.status === "ok") return { $typeName, id, status, output: outcome.output };
  const { code, message, details = {} } = outcome;
  return {
    $typeName,
    id,
    status,
    output: "",
    error: create(ToolErrorSchema, { code, message, details: { ...details } }),
  };
}

/** What an agent says of its tool. Who provides it is the bridge's to write. */
export function toToolDescriptor({
  name,
  description,
  parametersSchema,
  metadata,
  effect,
}: ToolDescriptorMessage): ToolDescriptor {
  return { name, description, parametersSchema, metadata, effect: toEffect(effect) };
}

/** An effect that only a newer agent knows may be anything, and so is taken as the one that is never repeated. */
function toEffect(effect: ToolEffectMessage): ToolEffect {
  if (effect === ToolEffectMessage.READ) return "read";
  return effect === ToolEffectMessage.IDEMPOTENT ? "idempotent" : "once";
}

const effects: Readonly<Record<ToolEffect, ToolEffectMessage>> = {
  read: ToolEffectMessage.READ,
  idempotent: ToolEffectMessage.IDEMPOTENT,
  once: ToolEffectMessage.ONCE,
};

/** A tool as it is listed. */
export function fromRegisteredTool({
  descriptor,
  kind,
  hash,
  seats,
}: RegisteredTool): MessageInitShape<typeof ToolDescriptorSchema> {
  const isAgent = kind === "agent";
  return {
    ...descriptor,
    metadata: { ...descriptor.metadata },
    effect: effects[effectOf(descriptor)],
    hash,
    provider: isAgent ? ProviderKind.AGENT : ProviderKind.BRIDGE,
    providers: isAgent ? seats.map(({ provider }) => provider.id).sort() : [],
  };
}
