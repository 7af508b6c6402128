/** The generated messages and services of the protocol. */
export * from "./gen/loom/bridge/v1/action_pb.ts";
export * from "./gen/loom/bridge/v1/admin_pb.ts";
export * from "./gen/loom/bridge/v1/agent_pb.ts";
export * from "./gen/loom/bridge/v1/bridge_pb.ts";
export * from "./gen/loom/bridge/v1/event_pb.ts";
export * from "./gen/loom/bridge/v1/memory_pb.ts";
export * from "./gen/loom/bridge/v1/plugin_pb.ts";
