import assert from "node:assert/strict";
import { test } from "node:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import {
  BridgeService,
  ClientEventSchema,
  type Feature,
  type Qos,
  SubscriptionSchema,
} from "@loom-bridge/protocol/messages";
import { describeInEveryWorld } from "../world.ts";

describeInEveryWorld("a client of another age", (createWorld) => {
  test("a message, a field, a feature and a quality that the bridge does not know are passed over", async () => {
    await using world = await createWorld();
    const bridge = createClient(BridgeService, world.transport("grpc"));
    const unknown = [{ no: 1999, wireType: 2, data: new Uint8Array([3, 1, 2, 3]) }];
    const newer = create(ClientEventSchema);
    newer.$unknown = unknown;
    const subscription = create(SubscriptionSchema, { id: 1, filters: ["future.*"], qos: 77 as Qos });
    subscription.$unknown = unknown;
    const register = { agentId: "tomorrow", features: [99 as Feature], subscriptions: [subscription] };
    const { promise: received, resolve: leave } = Promise.withResolvers<void>();
    async function* says(): AsyncGenerator<MessageInitShape<typeof ClientEventSchema>> {
      yield { event: { case: "register", value: register } };
      yield newer;
      yield { event: { case: "publish", value: { topic: "future.now", event: { id: "e-1", type: "still" } } } };
      await received;
      yield { event: { case: "goodbye", value: {} } };
    }
    const seen: unknown[] = [];
    for await (const { delivery } of bridge.stream(says())) {
      seen.push(delivery.case === "ack" ? delivery.value.features : delivery.case);
      if (delivery.case === "event") leave();
    }
    assert.deepEqual(seen, [[], "event"]);
  });
});
