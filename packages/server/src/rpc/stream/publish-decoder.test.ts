import assert from "node:assert/strict";
import { test } from "node:test";
import { create, equals, fromBinary, toBinary } from "@bufbuild/protobuf";
import { type ClientEvent, ClientEventSchema, EventSchema } from "@loom-bridge/protocol/messages";
import fc from "fast-check";
import type { BusEvent } from "../../domain/bus/bus-event.ts";
import { fromEvent, fromPublishItem } from "../event-mapping.ts";
import { type DecodedPublish, PublishDecoder } from "./publish-decoder.ts";
import * as wire from "./wire.test-helper.ts";

const sender = "agent.under:test";

/** What the real parser makes of a message; throws where it refuses it. */
function reference(message: Uint8Array): DecodedPublish | undefined {
  const { event } = fromBinary(ClientEventSchema, message);
  if (event.case === "publish") {
    const { topic, ref } = event.value;
    return { ref: Number(ref), events: [fromEvent(topic, event.value.event, sender)] };
  }
  if (event.case !== "publishBatch") return undefined;
  return {
    ref: Number(event.value.firstRef),
    events: event.value.items.map((item) => fromPublishItem(item, sender)),
  };
}

/** What the bus is told of an event, without its body. */
function head({ topic, id, type, key = "", chain }: BusEvent): unknown {
  return { topic, id, type, sender, key, chain };
}

/** Checks what is decoded; returns whether it was. */
function assertAgrees(message: Uint8Array): boolean {
  const decoded = new PublishDecoder(sender).decode(message);
  if (decoded === undefined) return false;
  const expected = reference(message);
  assert.equal(decoded.ref, expected?.ref);
  assert.deepEqual(decoded.events.map(head), expected?.events.map(head));
  for (const [index, { body }] of decoded.events.entries()) {
    const wanted = expected?.events[index]?.body ?? assert.fail();
    // A plain event is not encoded anew, so two encodings of one event are alike; an encoded one stays as it is.
    if (message[0] === 0x0a)
      assert.ok(equals(EventSchema, fromBinary(EventSchema, body), fromBinary(EventSchema, wanted)));
    else assert.ok(Buffer.from(wanted).equals(body));
  }
  return true;
}

/** Whether its publisher says of a plain event who sent it, which the real parser has to put right. */
function claimsSender({ event }: ClientEvent): boolean {
  if (event.case !== "publish") return false;
  const { metadata = {} } = event.value.event ?? {};
  return [metadata["sender"], metadata["loom.sender"]].some((claimed) => claimed !== undefined && claimed !== sender);
}

test("every message that is written the usual way is decoded, as the real parser would", () => {
  fc.assert(
    fc.property(wire.publishing, (event) => {
      const message = toBinary(ClientEventSchema, event);
      assert.ok(assertAgrees(message) || claimsSender(event));
    }),
  );
});

test("an event that names its real sender is taken as it is, one that names another is left to the real parser", () => {
  const publish = (claimed: string): Uint8Array => {
    const value = { topic: "a", event: { metadata: { "loom.sender": claimed } } };
    return toBinary(ClientEventSchema, create(ClientEventSchema, { event: { case: "publish", value } }));
  };
  assert.ok(assertAgrees(publish(sender)));
  assert.equal(new PublishDecoder(sender).decode(publish("somebody")), undefined);
  assert.equal(
    fromBinary(EventSchema, reference(publish("somebody"))?.events[0]?.body ?? assert.fail()).metadata["loom.sender"],
    sender,
  );
});

test("however a message is written, what is decoded is what the real parser would make of it", () => {
  let decoded = 0;
  fc.assert(
    fc.property(wire.clientEventBytes, (message) => {
      if (assertAgrees(message)) decoded += 1;
    }),
    { numRuns: 3000 },
  );
  assert.ok(decoded > 100, `only ${decoded} were decoded, so that little was tested`);
});

test("a damaged message is decoded as the real parser would, or left to it", () => {
  fc.assert(
    fc.property(wire.publishing, fc.nat(), fc.nat({ max: 255 }), fc.nat({ max: 3 }), (event, place, byte, removed) => {
      const bytes = [...toBinary(ClientEventSchema, event)];
      bytes.splice(place % (bytes.length + 1), removed, byte);
      assertAgrees(Uint8Array.from(bytes));
    }),
    { numRuns: 3000 },
  );
});

test("what is decoded does not change with the network's buffer", () => {
  fc.assert(
    fc.property(wire.publishing, (event) => {
      const message = toBinary(ClientEventSchema, event);
      const before = new PublishDecoder(sender).decode(message.slice());
      const after = new PublishDecoder(sender).decode(message);
      message.fill(255);
      assert.deepEqual(after, before);
    }),
  );
});

test("an event beyond a limit is left to the real parser, which refuses it", () => {
  const pair = (key: string, value: string): Uint8Array =>
    wire.block(5, wire.block(1, Buffer.from(key)), wire.block(2, Buffer.from(value)));
  const events = {
    "too many pairs": Array.from({ length: 65 }, (_, index) => pair(String(index), "")),
    "a long key": [pair("k".repeat(65), "")],
    "a long value": [pair("k", "v".repeat(4097))],
    "a large payload": [wire.block(6, Buffer.alloc(1_048_577))],
  };
  for (const [name, fields] of Object.entries(events)) {
    const message = wire.block(1, wire.block(1, Buffer.from("a.b")), wire.block(2, ...fields));
    assert.equal(new PublishDecoder(sender).decode(message), undefined, name);
    assert.throws(() => reference(message), /resource_exhausted/, name);
  }
});
