import { expectKept } from "./broken-promise.ts";
import { type BridgeCommand, command, idOf, mustBecome, sessionOf } from "./command.ts";
import { WireSession } from "./wire-session.ts";

/** An agent publishes; everybody who subscribes gets it once, in order, with its true sender; the receipt is right. */
export function publish(agent: number, topic: string, claims: string | undefined): BridgeCommand {
  const as = claims === undefined ? "" : `, claiming to be ${claims}`;
  return command(
    `${idOf(agent)} publishes on ${topic}${as}`,
    (model) => model.isOnline(agent),
    async (model, real) => {
      const session = sessionOf(real, agent);
      const id = `${real.target.name}-event-${(model.published += 1)}`;
      const subscribers = model.subscribers(topic);
      const metadata = claims === undefined ? {} : { "loom.sender": claims, sender: claims };
      const ref = session.publish(topic, id, metadata, claims);
      await mustBecome(real, () => session.receipts.has(ref), "P1", `${id} has no receipt`);
      const receipt = session.receipts.get(ref);
      expectKept(receipt?.error === undefined, "P1", `${id} is refused: ${receipt?.error?.message}`);
      const counts = `${receipt?.matched} matched and ${receipt?.queued} queued`;
      const isRight = receipt?.matched === subscribers.length && receipt.queued === subscribers.length;
      expectKept(isRight, "P1", `the receipt of ${id} says ${counts}; ${subscribers.length} subscribe to ${topic}`);
      for (const subscriber of subscribers) {
        const { expected } = model.agents.get(subscriber) as { expected: string[] };
        const { events } = sessionOf(real, subscriber);
        expected.push(id);
        const isThere = (): boolean => events.some((event) => event.id === id);
        await mustBecome(
          real,
          isThere,
          "P2",
          `${idOf(subscriber)} does not get ${id}, which its receipt says is queued`,
        );
        const heard = events.find((event) => event.id === id);
        expectKept(heard?.topic === topic, "P3", `${id} comes on ${heard?.topic}, and was published on ${topic}`);
        expectKept(heard.sender === idOf(agent), "P14", `${id} of ${idOf(agent)} comes as one of ${heard.sender}`);
        const order = events.map((event) => event.id);
        const isInOrder = order.join() === expected.join();
        expectKept(isInOrder, "P3", `${idOf(subscriber)} got ${order.join(" ")} and must get ${expected.join(" ")}`);
        const isCounted = events.every(({ sequence }, index) => sequence === index + 1);
        expectKept(isCounted, "P5", `${idOf(subscriber)} got its events with holes in their sequence`);
      }
    },
  );
}

const queueMessages = 2300;

/**
 * A subscriber that acknowledges nothing fills its queue until the bridge holds its publisher back; the publisher's
 * heartbeats are answered all the same.
 */
export function fillAQueue(agent: number): BridgeCommand {
  const name = `${idOf(agent)} publishes to a subscriber that takes nothing`;
  return command(
    name,
    (model) => model.isOnline(agent),
    async (model, real) => {
      const session = sessionOf(real, agent);
      const slow = new WireSession(real.target.transport("slow"), "slow");
      slow.register({ subscriptions: [{ id: 1, filters: [slow.agentId], window: 1 }] });
      await mustBecome(real, () => slow.ack !== undefined, "P8", "a slow subscriber is not acknowledged");
      const ids = Array.from({ length: queueMessages }, () => `${real.target.name}-event-${(model.published += 1)}`);
      // In several batches: a message has a limit.
      session.publishAll(slow.agentId, ids.slice(0, queueMessages / 2));
      const ref = session.publishAll(slow.agentId, ids.slice(queueMessages / 2));
      await real.target.settle();
      const heard = session.heartbeatAcks;
      session.say({ case: "heartbeat", value: { timestampMs: 1n } });
      const isAnswered = (): boolean => session.heartbeatAcks > heard;
      const message = "a publisher that waits for a slow subscriber has its heartbeats held back too";
      await mustBecome(real, isAnswered, "P6", message);
      slow.cut();
      await mustBecome(
        real,
        () => session.receipts.has(ref),
        "P7",
        "a publisher waits for a subscriber that has left",
        60_000,
      );
      for (const subscriber of model.subscribers(slow.agentId)) model.agents.get(subscriber)?.expected.push(...ids);
      await real.target.settle();
    },
  );
}
