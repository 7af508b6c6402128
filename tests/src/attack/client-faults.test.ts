import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { Agent, BridgeClient, type EventHandler, LoomError } from "@loom-bridge/client";
import { createBridge, serve } from "@loom-bridge/server";
import { readSeed } from "../soak/seeded-random.ts";
import { startFaultProxy } from "./fault-proxy.ts";
import { startVictim } from "./victim.ts";

// What a network and a server may do to an honest client.
const seed = readSeed();
test(`the faults of this file are those of LOOM_SEED=${seed}`, () => {});

test("row 19: calls go on over a new connection when the bridge says GOAWAY, and none fails", async () => {
  const victim = await startVictim({ limits: { maxConnectionAgeMs: 150, connectionAgeGraceMs: 1000 } });
  await using client = new BridgeClient({ address: `127.0.0.1:${victim.port}` });
  const until = performance.now() + 1500;
  let calls = 0;
  for (; performance.now() < until; calls += 1) assert.equal((await client.getInfo()).name, "loom-bridge");
  assert.ok(calls > 20, `${calls} calls`);
});

test("row 19: an agent whose connection grows old comes back, and loses nothing that it published", async () => {
  const victim = await startVictim({ limits: { maxConnectionAgeMs: 300, connectionAgeGraceMs: 100 } });
  const client = new BridgeClient({ address: `127.0.0.1:${victim.port}` });
  const heard = new Set<number>();
  const onEvent: EventHandler = (_, envelope) => void heard.add((envelope.json() as { n: number }).n);
  await using agent = new Agent({ id: "old", client, topics: ["row.19"], onEvent });
  await agent.start();
  const until = performance.now() + 2000;
  let sent = 0;
  for (; performance.now() < until; sent += 1) {
    await agent.publish("row.19", { type: "t", payload: { n: sent } });
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  while (heard.size < sent) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.ok(((await victim.state()).breaches["maxConnectionAgeMs"] ?? 0) >= 1);
  await client.disconnect();
});

const breaks: Record<string, (stream: ServerHttp2Stream) => void> = {
  "after the head": (stream) => {
    stream.respond({ ":status": 200, "content-type": "application/grpc+proto" });
    setImmediate(() => stream.close(2));
  },
  "during the data": (stream) => {
    stream.respond({ ":status": 200, "content-type": "application/grpc+proto" });
    stream.write(Buffer.from([0, 0, 0, 0, 9, 1]), () => stream.close(2));
  },
  "after the data": (stream) => {
    stream.respond({ ":status": 200, "content-type": "application/grpc+proto" });
    stream.write(Buffer.from([0, 0, 0, 0, 0]), () => stream.close(2));
  },
  "with the whole connection": (stream) => stream.session?.destroy(),
};
for (const [name, end] of Object.entries(breaks)) {
  test(`row 20: a call whose stream is reset ${name} fails with a code, and does not hang`, async () => {
    const server = createServer();
    server.on("stream", (stream) => {
      stream.on("error", () => {});
      end(stream);
    });
    server.on("sessionError", () => {});
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    try {
      await using client = new BridgeClient({ address: `127.0.0.1:${(server.address() as AddressInfo).port}` });
      await assert.rejects(client.getInfo({ timeoutMs: 3000 }), (error: unknown) => {
        assert.ok(LoomError.isInstance(error), String(error));
        assert.notEqual(error.code, "deadline_exceeded", "it hung");
        return true;
      });
    } finally {
      server.close();
    }
  });
}

test("row 21: an agent whose network swallows everything notices by its heartbeats, and comes back when it is mended", async () => {
  const server = await serve(createBridge({ heartbeatIntervalMs: 150 }), { address: "127.0.0.1:0" });
  await using proxy = await startFaultProxy(server.address, seed);
  const client = new BridgeClient({ address: proxy.address });
  await using agent = new Agent({ id: "row-21", client, topics: ["row.21"] });
  await agent.start();
  const agents = async (): Promise<number> => (await new BridgeClient({ address: server.address }).getInfo()).agents;
  assert.equal(await agents(), 1);
  proxy.faults = { blackhole: true };
  while ((await agents()) > 0) await new Promise((resolve) => setTimeout(resolve, 20));
  proxy.faults = {};
  while ((await agents()) === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  const receipt = await agent.publish("row.21", { type: "t", payload: { n: 1 } });
  assert.equal(receipt.queued, 1);
  await client.disconnect();
  await server.close({ graceMs: 100 });
});

test("rows 19 to 21: over a network that delays, slices and breaks, everything that was receipted is heard once", async () => {
  const server = await serve(createBridge(), { address: "127.0.0.1:0" });
  await using proxy = await startFaultProxy(server.address, seed, {
    delayMs: [0, 5],
    sliceBytes: 7,
    resetAfterBytes: [3000, 20_000],
  });
  const client = new BridgeClient({ address: proxy.address });
  const heard: number[] = [];
  const onEvent: EventHandler = (_, envelope) => void heard.push((envelope.json() as { n: number }).n);
  await using agent = new Agent({ id: "faulty", client, topics: ["faulty.net"], onEvent });
  await agent.start();
  const count = 200;
  for (let n = 0; n < count; n += 1) await agent.publish("faulty.net", { type: "t", payload: { n } });
  while (heard.length < count) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.deepEqual(
    heard,
    Array.from({ length: count }, (_, n) => n),
  );
  await client.disconnect();
  await server.close({ graceMs: 100 });
});
