import assert from "node:assert/strict";
import { test } from "node:test";
import { fromBinary } from "@bufbuild/protobuf";
import { EventSchema } from "@loom-bridge/protocol/messages";
import { createBenchEvent } from "../event.ts";
import { createEventPrinter } from "./encoded-event.ts";
import { toMessage } from "./seed-messages.ts";

test("an event that is written over another is the same as an encoded one, but for the time", () => {
  const print = createEventPrinter();
  for (const sequence of [1, 2, 999_999]) {
    const event = createBenchEvent("source", sequence, 128);
    const { timestampMs, ...printed } = fromBinary(EventSchema, print(event));
    const { timestampMs: wanted, ...expected } = toMessage(event);
    assert.deepEqual(
      { ...printed, payload: Buffer.from(printed.payload) },
      { ...expected, payload: Buffer.from(event.payload) },
    );
    assert.ok(wanted - timestampMs < 60_000n);
  }
});
