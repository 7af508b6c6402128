import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type DescEnum, type DescField, type DescFile, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import {
  file_loom_bridge_v1_action,
  file_loom_bridge_v1_agent,
  file_loom_bridge_v1_bridge,
  file_loom_bridge_v1_event,
  file_loom_bridge_v1_memory,
  file_loom_bridge_v1_plugin,
} from "./messages.ts";

// What clients in other languages were built against, written down by hand. A line here is never changed; new fields
// and messages need none. The tables say "at least these": a field that is not listed is an addition.

const files: readonly DescFile[] = [
  file_loom_bridge_v1_action,
  file_loom_bridge_v1_agent,
  file_loom_bridge_v1_bridge,
  file_loom_bridge_v1_event,
  file_loom_bridge_v1_memory,
  file_loom_bridge_v1_plugin,
];

const services: Record<string, string[]> = {
  BridgeService: ["rpc Stream(stream ClientEvent) returns (stream Delivery)"],
  ActionService: ["rpc ForwardToolCall(ToolCall) returns (ToolResult)"],
  MemoryService: [
    "rpc SavePlan(SavePlanRequest) returns (SavePlanResponse)",
    "rpc CheckDuplicate(CheckDuplicateRequest) returns (CheckDuplicateResponse)",
    "rpc GetRecentPlans(GetRecentPlansRequest) returns (GetRecentPlansResponse)",
    "rpc MarkExecuted(MarkExecutedRequest) returns (MarkExecutedResponse)",
    "rpc CheckExecuted(CheckExecutedRequest) returns (CheckExecutedResponse)",
    "rpc GetExecutionStats(GetExecutionStatsRequest) returns (GetExecutionStatsResponse)",
  ],
};

const messages: Record<string, string[]> = {
  ClientEvent: ["Publish publish = 1 of event", "Register register = 2 of event", "Heartbeat heartbeat = 3 of event"],
  Delivery: ["Event event = 1 of delivery", "Ack ack = 2 of delivery"],
  Publish: ["string topic = 1", "Event event = 2"],
  Register: [
    "string agent_id = 1",
    "repeated string topics = 2",
    "repeated ToolDescriptor tools = 3",
    "map<string, string> metadata = 4",
  ],
  Heartbeat: ["int64 timestamp_ms = 1"],
  Ack: ["bool success = 1", "string message = 2"],
  Event: [
    "string id = 1",
    "string type = 2",
    "int64 timestamp_ms = 3",
    "string source = 4",
    "map<string, string> metadata = 5",
    "bytes payload = 6",
    "float confidence = 7",
    "repeated string tags = 8",
    "int32 priority = 9",
  ],
  ToolDescriptor: [
    "string name = 1",
    "string description = 2",
    "string parameters_schema = 3",
    "ProviderKind provider = 4",
    "map<string, string> metadata = 5",
  ],
  ToolCall: ["string id = 1", "string name = 2", "string arguments = 3", "int32 timeout_ms = 4"],
  ToolResult: ["ToolStatus status = 1", "string output = 2", "ToolError error = 3"],
  ToolError: ["string code = 1", "string message = 2", "map<string, string> details = 3"],
  PlanRecord: [
    "int64 timestamp_ms = 1",
    "string symbol = 2",
    "string action = 3",
    "float confidence = 4",
    "string reasoning = 5",
    "string plan_hash = 6",
    "string method = 7",
    "map<string, string> metadata = 8",
  ],
  ExecutionRecord: [
    "int64 timestamp_ms = 1",
    "string plan_hash = 2",
    "string symbol = 3",
    "string action = 4",
    "float confidence = 5",
    "string status = 6",
    "bool executed = 7",
    "string order_id = 8",
    "float order_size_usdt = 9",
    "string error_message = 10",
  ],
  SavePlanRequest: ["string session_id = 1", "PlanRecord plan = 2"],
  SavePlanResponse: ["bool success = 1", "string plan_hash = 2", "string error_message = 3"],
  GetRecentPlansRequest: ["string session_id = 1", "string symbol = 2", "int32 limit = 3"],
  GetRecentPlansResponse: ["repeated PlanRecord plans = 1", "bool success = 2", "string error_message = 3"],
  CheckDuplicateRequest: ["string session_id = 1", "PlanRecord plan = 2", "int32 time_window_sec = 3"],
  CheckDuplicateResponse: [
    "bool is_duplicate = 1",
    "PlanRecord duplicate_plan = 2",
    "int64 time_since_duplicate_ms = 3",
  ],
  MarkExecutedRequest: ["string session_id = 1", "string plan_hash = 2", "ExecutionRecord execution = 3"],
  MarkExecutedResponse: ["bool success = 1", "string error_message = 2"],
  CheckExecutedRequest: ["string session_id = 1", "string plan_hash = 2"],
  CheckExecutedResponse: ["bool is_executed = 1", "ExecutionRecord execution = 2"],
  GetExecutionStatsRequest: ["string session_id = 1", "string symbol = 2"],
  GetExecutionStatsResponse: [
    "int32 total_executions = 1",
    "int32 successful_executions = 2",
    "int32 failed_executions = 3",
    "float win_rate = 4",
    "int32 duplicate_prevented = 5",
    "repeated ExecutionRecord recent_executions = 6",
  ],
};

const enums: Record<string, string[]> = {
  ToolStatus: ["TOOL_OK = 0", "TOOL_ERROR = 1", "TOOL_TIMEOUT = 2", "TOOL_NOT_FOUND = 3", "TOOL_INVALID_ARGUMENTS = 4"],
};

describe("the published protocol", () => {
  it("has the package loom.bridge.v1 and proto3 in every file", () => {
    for (const file of files) {
      assert.equal(file.proto.package, "loom.bridge.v1", file.name);
      assert.equal(file.proto.syntax, "proto3", file.name);
    }
  });

  for (const [name, methods] of Object.entries(services)) {
    it(`keeps the service ${name}`, () => {
      const service = files.flatMap((file) => file.services).find((candidate) => candidate.name === name);
      assertHolds(
        service?.methods.map((method) => {
          const input = `${isStreamed(method.methodKind, "client") ? "stream " : ""}${method.input.name}`;
          const output = `${isStreamed(method.methodKind, "server") ? "stream " : ""}${method.output.name}`;
          return `rpc ${method.name}(${input}) returns (${output})`;
        }),
        methods,
      );
    });
  }

  for (const [name, fields] of Object.entries(messages)) {
    it(`keeps the message ${name}`, () => {
      const message = files.flatMap((file) => file.messages).find((candidate) => candidate.name === name);
      assertHolds(message?.fields.map(describeField), fields);
    });
  }

  for (const [name, values] of Object.entries(enums)) {
    it(`keeps the enum ${name}`, () => {
      const found = files.flatMap((file) => file.enums).find((candidate) => candidate.name === name);
      assertHolds(
        found?.values.map((value) => `${value.name} = ${value.number}`),
        values,
      );
    });
  }
});

function assertHolds(actual: readonly string[] | undefined, pinned: readonly string[]): void {
  assert.deepEqual(
    pinned.filter((line) => actual?.includes(line) !== true),
    [],
    `missing or changed; there is: ${actual?.join("; ") ?? "nothing of this name"}`,
  );
}

function isStreamed(kind: string, side: "client" | "server"): boolean {
  return kind === "bidi_streaming" || kind === `${side}_streaming`;
}

/** A field as a .proto file spells it, followed by its oneof. */
function describeField(field: DescField): string {
  const oneof = field.oneof === undefined ? "" : ` of ${field.oneof.name}`;
  const label = field.proto.proto3Optional ? "optional " : "";
  return `${label}${typeOf(field)} ${field.name} = ${field.number}${oneof}`;
}

function typeOf(field: DescField): string {
  switch (field.fieldKind) {
    case "scalar":
      return scalarName(field.scalar);
    case "message":
      return field.message.name;
    case "enum":
      return field.enum.name;
    case "list":
      return `repeated ${elementName(field)}`;
    case "map":
      return `map<${scalarName(field.mapKey)}, ${elementName(field)}>`;
  }
}

interface Element {
  readonly scalar?: ScalarType | undefined;
  readonly message?: DescMessage | undefined;
  readonly enum?: DescEnum | undefined;
}

function elementName(field: Element): string {
  return field.scalar === undefined ? (field.message?.name ?? field.enum?.name ?? "?") : scalarName(field.scalar);
}

function scalarName(scalar: ScalarType): string {
  return ScalarType[scalar].toLowerCase();
}
