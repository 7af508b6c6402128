import assert from "node:assert/strict";
import { connect as connectHttp2 } from "node:http2";
import { test } from "node:test";
import { toBinary } from "@bufbuild/protobuf";
import { Code, createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { LoomError, systemRuntime } from "@loom-bridge/protocol";
import { BridgeService, type ClientEvent, ClientEventSchema } from "@loom-bridge/protocol/messages";
import { silentLogger } from "../domain/logger.ts";
import { listen } from "./listen.ts";
import {
  ack,
  createManualTimers,
  exchange,
  infoPath,
  openSocket,
  startListener,
  streamPath,
  until,
} from "./listener.test.helper.ts";
import { envelope, frameTypes, grpcHeaders, openRawHttp2, preface } from "./raw-http2.test.helper.ts";

test("a message in single bytes is taken whole", async (t) => {
  const { listener, seen } = await startListener(t);
  const raw = await openRawHttp2(t, listener.port);
  const message = envelope(toBinary(ClientEventSchema, publishOf(60_000)));
  raw.send(
    grpcHeaders(1, streamPath),
    ...Array.from(message, (byte) => ({ type: frameTypes.data, flags: 0, streamId: 1, payload: Buffer.of(byte) })),
  );
  await until(() => seen.events.length === 1);
  assert.equal(seen.events[0]?.event.case, "publish");
});

function publishOf(bytes: number): ClientEvent {
  return {
    $typeName: "loom.bridge.v1.ClientEvent",
    event: {
      case: "publish",
      value: { $typeName: "loom.bridge.v1.Publish", topic: "x".repeat(bytes), ref: 0n },
    },
  };
}
