import type { BridgeClient } from "@loom-bridge/client";
import type { World } from "./world.ts";

/** What the bridge still holds of agents that have gone. Asked when all of the world's own have. */
export async function findHeldByBridge(client: BridgeClient, world: World): Promise<string[]> {
  const [{ agents }, { total }] = await world.clock.run(Promise.all([client.listAgents(), client.getStats()]), {
    what: "the bridge to say what it holds",
  });
  const left: string[] = [];
  for (const { agentId } of agents) {
    left.push(`agent ${agentId} is still connected; stop what opened its stream before closing the bridge`);
  }
  if (agents.length > 0 || total === undefined) return left;
  if (total.activeSubscriptions > 0) left.push(`${total.activeSubscriptions} subscriptions outlived their agents`);
  if (total.backlog > 0n) left.push(`${total.backlog} events wait for agents that have gone`);
  return left;
}

/** Calls of tools that nobody has, as the bridge answered them. */
export function findUnfaked({ timeline }: World, fakes: readonly string[]): string[] {
  const marker = Buffer.from("NOT_FOUND");
  const answers = timeline.frames.filter(
    ({ direction, bytes }) => direction === "down" && Buffer.from(bytes).includes(marker),
  );
  const links = new Set(
    answers.filter(({ kind }) => kind === "toolResponse" || kind === "forwardToolCall").map(({ link }) => link),
  );
  const known = fakes.length === 0 ? "there are no fakes" : `the fakes are ${fakes.join(", ")}`;
  return Array.from(links, (link) => {
    return `${link} called a tool that nobody has (${known}); add bridge.tools.fake(name), or say onUnfaked: "ignore"`;
  });
}

/** What a world still has when everybody has left and the bridge is closed. */
export function findLeftOver(world: World): string[] {
  const calls = world.network.openCalls.size;
  return [
    ...world.timers().map((timers) => `timers that nobody took back, of ${timers}`),
    ...(calls > 0 ? [`${calls} calls were never ended`] : []),
  ];
}
