import assert from "node:assert/strict";
import { test } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { BridgeService, type Event, EventSchema } from "@loom-bridge/protocol/messages";
import { openSession } from "../duplex-call.ts";
import { all, createGuardedWorld } from "./guarded-world.ts";

/** What a client that knows nothing but events reads as an event's sender. */
const senderOf = ({ metadata }: Event): string | undefined => metadata["loom.sender"] ?? metadata["sender"];

for (const wire of ["grpc", "connect"] as const) {
  test(`however it is published over ${wire}, an event says who really sent it`, async () => {
    await using world = await createGuardedWorld({
      good: { subject: "good", agentIds: ["hearer"], grants: all },
      evil: { subject: "evil", agentIds: ["evil"], grants: all },
    });
    await using hearer = await openSession(world.transport("good", wire), { agentId: "hearer", topics: ["news"] });
    await using liar = await openSession(world.transport("evil", wire), { agentId: "evil" });
    const forgeries = [{ "loom.sender": "boss" }, { sender: "boss" }, { "loom.sender": "boss", sender: "boss" }, {}];
    const unary = createClient(BridgeService, world.transport("evil", wire));
    let ref = 0n;
    for (const metadata of forgeries) {
      const event = create(EventSchema, { metadata });
      liar.say({ case: "publish", value: { topic: "news", event } });
      ref += 1n;
      const item = { topic: "news", id: "", type: "", event: toBinary(EventSchema, event) };
      liar.say({ case: "publishBatch", value: { firstRef: ref, items: [item] } });
      await unary.publish({ topic: "news", event: { metadata } });
    }
    for (let n = 0; n < 3 * forgeries.length; n += 1) {
      const delivery = await hearer.hear();
      assert.equal(delivery?.delivery.case, "event");
      assert.equal(senderOf(delivery?.delivery.value as Event), "evil");
      assert.ok(!Object.values((delivery?.delivery.value as Event).metadata).includes("boss"));
    }
  });
}
