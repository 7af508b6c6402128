import { create } from "@bufbuild/protobuf";
import type { Runtime } from "@loom-bridge/protocol";
import { ChainSchema, type ToolCall } from "@loom-bridge/protocol/messages";
import { toChain } from "../events/event-chain.ts";
import type { CallToolOptions } from "./call-tool-options.ts";
import type { Tool } from "./define-tool.ts";
import { encodeArguments } from "./encode-arguments.ts";
import { servedIsOver, servedRef } from "./served-calls.ts";
import type { ToolCalls } from "./tool-calls.ts";

/** An agent, as it calls tools. */
export interface ToolCaller {
  readonly calls: ToolCalls;
  readonly runtime: Runtime;
  /** @throws LoomError when the agent is not running. */
  ensureRunning(): void;
}

/** Calls a tool over an agent's stream and reads its output. */
export function callTool(
  caller: ToolCaller,
  tool: string | Tool,
  args: unknown,
  options: CallToolOptions,
): Promise<unknown> {
  // Not async: that would be another promise, and turns of the microtasks before who called has the output.
  try {
    return begin(caller, tool, args, options);
  } catch (error) {
    return Promise.reject(error as Error);
  }
}

function begin(
  { calls, runtime, ensureRunning }: ToolCaller,
  tool: string | Tool,
  args: unknown,
  options: CallToolOptions,
): Promise<unknown> {
  ensureRunning();
  const { signal, onBehalfOf, chain = onBehalfOf?.chain } = options;
  const served = onBehalfOf === undefined ? 0 : servedRef(onBehalfOf);
  const name = typeof tool === "string" ? tool : tool.name;
  const effect = typeof tool === "string" ? undefined : tool.effect;
  if (served === undefined) throw servedIsOver(name);
  const json = encodeArguments(name, args);
  const key = options.idempotencyKey ?? (effect === "idempotent" ? runtime.uuid() : "");
  const repeatable = key !== "" || effect === "read";
  const call: ToolCall = {
    $typeName: "loom.bridge.v1.ToolCall",
    id: options.id ?? "",
    name,
    arguments: json,
    timeoutMs: options.timeoutMs ?? 0,
    headers: { ...options.headers },
    correlationId: options.correlationId ?? "",
    idempotencyKey: key,
    toolHash: options.toolHash ?? "",
  };
  if (chain !== undefined) call.chain = create(ChainSchema, toChain(chain));
  return calls.call(call, { repeatable, signal, onBehalfOf: served });
}
