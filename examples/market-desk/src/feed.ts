import { setTimeout as wait } from "node:timers/promises";
import { createAgent } from "@loom-bridge/client";
import { giveUp, runAgent } from "./agent-process.ts";
import { topics, types } from "./desk.ts";
import { asDelivered, readTape } from "./tape.ts";

// The feed: publishes every bar of the tape, a month at a time, on market.price.<SYMBOL>.
//   tsx feed.ts [milliseconds between months]

const paceMs = Number(process.argv[2] ?? 30);
const agent = createAgent({ id: "feed", onError: giveUp });

await runAgent(agent, async () => {
  let prices = 0;
  for (const month of asDelivered(readTape())) {
    for (const bar of month) {
      const timestampMs = Date.parse(bar.date);
      await agent.publish(topics.price(bar.symbol), { type: types.price, timestampMs, payload: bar });
      prices += 1;
    }
    await wait(paceMs);
  }
  await agent.publish(topics.closed("feed"), { type: types.closed, payload: { prices } });
});
