import type { Agent } from "@loom-bridge/client";

/**
 * Makes this process an agent: starts it, does its `work` if it has some of its own, and otherwise serves until
 * SIGTERM or Ctrl-C. When the bridge goes away or anything fails, the process says why and ends with exit code 1.
 */
export async function runAgent(agent: Agent, work?: () => Promise<void>): Promise<void> {
  let stopping = false;
  const stop = (): void => {
    stopping = true;
    agent.stop().catch(giveUp);
  };
  process.on("SIGTERM", stop).on("SIGINT", stop);
  try {
    await agent.start();
    if (work !== undefined) {
      await work();
      stop();
    }
    await agent.closed;
  } catch (error) {
    if (!stopping) giveUp(error);
  }
}

/** As an agent's `onError`: a desk that goes on after an error would count wrong. */
export function giveUp(error: unknown): void {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
