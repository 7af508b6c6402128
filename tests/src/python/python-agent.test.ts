import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { create, type DescFile, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import {
  file_loom_bridge_v1_action,
  file_loom_bridge_v1_bridge,
  file_loom_bridge_v1_event,
  file_loom_bridge_v1_memory,
} from "@loom-bridge/protocol/messages";
import { createBridge, serve } from "@loom-bridge/server";

const pythons = ["python3", "/usr/bin/python3"];
const python = pythons.find((command) => spawnSync(command, ["-c", "import grpc, google.protobuf"]).status === 0);

test("an agent in Python over grpcio registers, publishes, receives, provides and calls a tool, and uses memory", {
  skip: python === undefined && "no python3 with grpcio here; install python3-grpcio to run this test",
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), "loom-bridge-python-"));
  const server = await serve(createBridge(), { address: "127.0.0.1:0" });
  try {
    const descriptors = join(folder, "descriptors.binpb");
    await writeFile(descriptors, descriptorSet());
    const script = join(import.meta.dirname, "agent.py");
    const { stdout } = await promisify(execFile)(python ?? "", [script, server.address, descriptors], {
      timeout: 60_000,
    });
    assert.deepEqual(JSON.parse(stdout), {
      ack: true,
      heartbeat_interval_ms: 30_000,
      event: ["p-1", "greeting", "hello from python", { "loom.sender": "python-agent" }],
      tool: [0, '"LOUD"', "call-1"],
      missing_tool: [3, "NOT_FOUND"],
      saved: true,
      saved_again: [false, true],
      already_executed: [false, true],
      stats: [1, 1],
      refusal: "INVALID_ARGUMENT: plan is required",
      rest: [],
      end: "OK",
    });
  } finally {
    await server.close({ graceMs: 1_000 });
    await rm(folder, { recursive: true });
  }
});

/** The protocol as every protobuf runtime can load it; imports stand before those who import them. */
function descriptorSet(): Uint8Array {
  const files: DescFile[] = [
    file_loom_bridge_v1_event,
    file_loom_bridge_v1_action,
    file_loom_bridge_v1_bridge,
    file_loom_bridge_v1_memory,
  ];
  return toBinary(FileDescriptorSetSchema, create(FileDescriptorSetSchema, { file: files.map(({ proto }) => proto) }));
}
