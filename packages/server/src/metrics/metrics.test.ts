import assert from "node:assert/strict";
import { test } from "node:test";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { BridgeService } from "@loom-bridge/protocol/messages";
import { createBridge } from "../bridge.ts";
import { serve } from "../serve.ts";
import { toPrometheusText } from "./prometheus-text.ts";

test("metrics are written as Prometheus reads them, whatever their labels hold", () => {
  const values = new Map([
    ["plain", 1],
    ['with "quotes", a \\ and\na line', 2.5],
  ]);
  assert.equal(
    toPrometheusText([
      { name: "a_total", help: "Counts \\ things", type: "counter", read: () => ({ label: "of", values }) },
      { name: "b", help: "One", type: "gauge", read: () => 3 },
    ]),
    [
      "# HELP a_total Counts \\\\ things",
      "# TYPE a_total counter",
      'a_total{of="plain"} 1',
      'a_total{of="with \\"quotes\\", a \\\\ and\\na line"} 2.5',
      "# HELP b One",
      "# TYPE b gauge",
      "b 3",
      "",
    ].join("\n"),
  );
});

test("a bridge tells what it does and which limits were met, on an address of its own", async (t) => {
  const limits = { readMaxBytes: 1000 };
  const server = await serve(createBridge(), { address: "127.0.0.1:0", metricsAddress: "127.0.0.1:0", limits });
  t.after(() => server.close({ graceMs: 0 }));
  const client = createClient(BridgeService, createGrpcTransport({ baseUrl: server.url }));
  await client.publish({ topic: "a.b", event: {} });
  await assert.rejects(client.publish({ topic: "a.b", event: { payload: new Uint8Array(2000) } }));
  await assert.rejects(client.publish({ topic: "x".repeat(300), event: {} }));

  const response = await fetch(`http://${server.metrics?.address}/metrics`, { headers: { connection: "close" } });
  assert.equal(response.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  const text = await response.text();
  assert.match(text, /^loom_bridge_events_published_total 1$/m);
  assert.match(text, /^loom_bridge_limit_breaches_total\{limit="readMaxBytes"\} 1$/m);
  assert.match(text, /^loom_bridge_connections 1$/m);
  assert.match(text, /^process_resident_memory_bytes \d+$/m);
  for (const line of text.trimEnd().split("\n")) {
    assert.match(line, /^(#|[a-z_]+(\{[a-z]+="(?:[^"\\]|\\.)*"\})? -?[\d.e+-]+$)/, line);
  }
});

test("nothing but the metrics is there, and only to be read", async (t) => {
  const server = await serve(createBridge(), { address: "127.0.0.1:0", metricsAddress: "127.0.0.1:0" });
  t.after(() => server.close({ graceMs: 0 }));
  const status = async (path: string, method: string): Promise<number> =>
    (await fetch(`http://${server.metrics?.address}${path}`, { method, headers: { connection: "close" } })).status;
  assert.equal(await status("/", "GET"), 404);
  assert.equal(await status("/metrics", "POST"), 405);
  assert.equal(await status("/metrics", "HEAD"), 200);
});

test("a bridge whose metrics cannot be served does not start, and leaves its port free", async () => {
  const first = await serve(createBridge(), { address: "127.0.0.1:0", metricsAddress: "127.0.0.1:0" });
  const metricsAddress = first.metrics?.address ?? "";
  await assert.rejects(serve(createBridge(), { address: "127.0.0.1:0", metricsAddress }), /in use/);
  await first.close({ graceMs: 0 });
});
