import assert from "node:assert/strict";
import { test } from "node:test";
import { createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import { BridgeService, MemoryService } from "@loom-bridge/protocol/messages";
import { createBridge, serve } from "@loom-bridge/server";

const transports: Record<string, (baseUrl: string) => Transport> = {
  connect: (baseUrl) => createConnectTransport({ baseUrl }),
  "connect with JSON": (baseUrl) => createConnectTransport({ baseUrl, useBinaryFormat: false }),
  "grpc-web": (baseUrl) => createGrpcWebTransport({ baseUrl }),
};

for (const [name, createTransport] of Object.entries(transports)) {
  test(`a browser's client publishes, subscribes and uses memory by fetch over HTTP/1.1, with ${name}`, async () => {
    const server = await serve(createBridge(), { address: "127.0.0.1:0" });
    const stop = new AbortController();
    try {
      const transport = createTransport(server.url);
      const bridge = createClient(BridgeService, transport);
      const responses = bridge.subscribe({ filters: ["page.*"] }, { signal: stop.signal })[Symbol.asyncIterator]();
      assert.equal((await responses.next()).value?.delivery.case, "subscribed");
      const { matched } = await bridge.publish({ topic: "page.open", event: { type: "t", id: "1" } });
      assert.equal(matched, 1);
      const { delivery } = (await responses.next()).value ?? {};
      assert.ok(delivery?.case === "event" && delivery.value.event?.id === "1");
      const memory = createClient(MemoryService, transport);
      const saved = await memory.savePlan({ sessionId: "s", plan: { symbol: "BTC", action: "BUY" } });
      assert.ok(saved.success);
    } finally {
      stop.abort();
      await server.close({ graceMs: 1_000 });
    }
  });
}

test("curl's way: JSON in, JSON out, and an error that says what to change", async () => {
  const server = await serve(createBridge(), { address: "127.0.0.1:0" });
  try {
    const post = (method: string, body: unknown): Promise<Response> =>
      fetch(`${server.url}/loom.bridge.v1.${method}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      });
    const published = await post("BridgeService/Publish", { topic: "a.b", event: { type: "t", payload: "aGk=" } });
    assert.equal(published.status, 200);
    assert.equal(typeof (await published.json()).eventId, "string");
    const refused = await post("BridgeService/Publish", { topic: "a..b", event: {} });
    const { code, message } = await refused.json();
    assert.deepEqual([refused.status, code], [400, "invalid_argument"]);
    assert.match(message, /topic "a\.\.b" is empty or has an empty segment/);
  } finally {
    await server.close({ graceMs: 1_000 });
  }
});
