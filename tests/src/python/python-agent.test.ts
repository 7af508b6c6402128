import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { create, type DescFile, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { LoomError } from "@loom-bridge/protocol";
import {
  file_loom_bridge_v1_action,
  file_loom_bridge_v1_bridge,
  file_loom_bridge_v1_event,
  file_loom_bridge_v1_memory,
} from "@loom-bridge/protocol/messages";
import { createBridge, createCalloutAuthenticator, serve } from "@loom-bridge/server";
import { createCertificate } from "../certificate.ts";

const pythons = ["python3", "/usr/bin/python3"];
const python = pythons.find((command) => spawnSync(command, ["-c", "import grpc, google.protobuf"]).status === 0);

const skip = python === undefined && "no python3 with grpcio here; install python3-grpcio to run this test";

test("an agent in Python over grpcio registers, publishes, receives, provides and calls a tool, and uses memory", {
  skip,
}, async () => {
  const server = await serve(createBridge(), { address: "127.0.0.1:0" });
  await using _closing = { [Symbol.asyncDispose]: () => server.close({ graceMs: 1_000 }) };
  assert.deepEqual(await runAgent(server.address), everything);
});

test("it does the same over TLS with a bearer token and no more grants than it needs, and is refused with a wrong one", {
  skip,
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), "loom-bridge-python-"));
  const certificate = await createCertificate();
  const grants = {
    agents: { as: ["python-agent"] },
    topics: { publish: ["python.**"], subscribe: ["python.**"] },
    tools: { call: ["python:*", "nobody:*"], provide: ["python:*"] },
    memory: { read: ["python-*"], write: ["python-*"] },
  };
  const authenticator = createCalloutAuthenticator(({ header }) => {
    if (header.get("authorization") === "Bearer good") return { subject: "python", grants };
    throw new LoomError("unauthenticated", "the token is not known");
  });
  const server = await serve(createBridge({ authenticator }), { address: "127.0.0.1:0", tls: certificate });
  try {
    const ca = join(folder, "ca.pem");
    await writeFile(ca, certificate.cert);
    const address = `localhost:${server.port}`;
    assert.deepEqual(await runAgent(address, ca, "good"), everything);
    await assert.rejects(runAgent(address, ca, "bad"), /StatusCode\.UNAUTHENTICATED/);
  } finally {
    await server.close({ graceMs: 1_000 });
    await rm(folder, { recursive: true });
  }
});

/** What an agent sees that may do all of it. */
const everything = {
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
};

async function runAgent(address: string, ...credentials: string[]): Promise<unknown> {
  const folder = await mkdtemp(join(tmpdir(), "loom-bridge-python-"));
  try {
    const descriptors = join(folder, "descriptors.binpb");
    await writeFile(descriptors, descriptorSet());
    const args = [join(import.meta.dirname, "agent.py"), address, descriptors, ...credentials];
    const { stdout } = await promisify(execFile)(python ?? "", args, { timeout: 60_000 });
    return JSON.parse(stdout);
  } finally {
    await rm(folder, { recursive: true });
  }
}

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
