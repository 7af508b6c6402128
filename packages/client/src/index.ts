export { create } from "@bufbuild/protobuf";
export { type ErrorCode, LoomError, type Runtime, repliesTopic, systemRuntime } from "@loom-bridge/protocol";
export {
  AgentChange,
  type AgentInfo,
  AgentStatus,
  type ClientEvent,
  ClientEventSchema,
  type Delivery,
  DeliverySchema,
  type Event,
  EventSchema,
  type ExecutionRecord,
  ExecutionRecordSchema,
  Feature,
  HeartbeatSchema,
  type JournalEntry,
  type PlanRecord,
  PlanRecordSchema,
  ProviderKind,
  PublishSchema,
  RegisterSchema,
  type ToolCall,
  ToolCallSchema,
  type ToolDescriptor,
  ToolDescriptorSchema,
  type ToolResult,
  ToolStatus,
  type WatchAgentsResponse,
} from "@loom-bridge/protocol/messages";
export { Agent, createAgent } from "./agent.ts";
export type { AgentOptions } from "./agent-options.ts";
export { BridgeClient } from "./bridge-client.ts";
export type { BridgeClientOptions } from "./bridge-client-options.ts";
export type { CallOptions } from "./connection/connection.ts";
export type { ConnectionStatus } from "./connection/connection-status.ts";
export type { Metadata, MetadataSource } from "./connection/metadata.ts";
export type { PublishDrop, PublishReceipt } from "./connection/publish-receipt.ts";
export type { ReconnectOptions } from "./connection/reconnect-options.ts";
export type { Token } from "./connection/token-source.ts";
export { AgentClosedError } from "./errors/agent-closed-error.ts";
export { ConnectionError } from "./errors/connection-error.ts";
export { OutcomeUnknownError } from "./errors/outcome-unknown-error.ts";
export { RequestTimeoutError } from "./errors/request-timeout-error.ts";
export { ToolError, type ToolErrorOptions } from "./errors/tool-error.ts";
export { Envelope, type Routing } from "./events/envelope.ts";
export type { EventChain } from "./events/event-chain.ts";
export type { EventContext, ToolOptions } from "./events/event-context.ts";
export type { EventGap } from "./events/event-gap.ts";
export type { EventInit } from "./events/event-init.ts";
export type { EventSettle } from "./events/event-settle.ts";
export { nextHop } from "./events/next-hop.ts";
export type { Payload } from "./events/payload.ts";
export type { RequestOptions } from "./events/request-options.ts";
export type {
  EventHandler,
  SubscribeOptions,
  SubscriptionInit,
  SubscriptionStart,
} from "./events/subscription-init.ts";
export { type Logger, silentLogger } from "./logger.ts";
export type { AgentMemory, ExecutionInit, PlanInit } from "./memory/agent-memory.ts";
export { planHash } from "./memory/plan-hash.ts";
export type { CallToolOptions } from "./tools/call-tool-options.ts";
export { defineTool, type Tool, type ToolEffect } from "./tools/define-tool.ts";
export type { ToolContext } from "./tools/tool-context.ts";
export type { Credentials, Protocol } from "./transport/node-transport.ts";
