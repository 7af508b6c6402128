import { LoomError } from "@loom-bridge/protocol";
import { AgentChange } from "@loom-bridge/protocol/messages";
import type { BridgeClient } from "./bridge-client.ts";
import { Backoff } from "./connection/backoff.ts";
import { linkSignals } from "./connection/link-signals.ts";
import { defaultReconnect } from "./connection/reconnect-options.ts";
import { RequestTimeoutError } from "./errors/request-timeout-error.ts";

export interface WaitForAgentsOptions {
  readonly client: BridgeClient;
  readonly ids: readonly string[];
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

/** Resolves when all these agents are connected; watches again when the connection breaks. */
export async function waitForAgents({ client, ids, timeoutMs, signal }: WaitForAgentsOptions): Promise<void> {
  const { runtime } = client;
  const backoff = new Backoff(defaultReconnect, runtime);
  const controller = new AbortController();
  const unlink = linkSignals(controller, [signal]);
  const timer = runtime.setTimer(() => controller.abort(), timeoutMs);
  const missing = new Set(ids);
  try {
    while (!controller.signal.aborted) {
      for (const id of ids) missing.add(id);
      const lost = await watch(client, ids, missing, controller.signal);
      if (lost === undefined) return;
      if (!controller.signal.aborted) await pause(backoff.next(lost));
    }
  } finally {
    timer.cancel();
    unlink();
  }
  if (signal?.aborted) throw new LoomError("canceled", "the wait for agents was cancelled", { cause: signal.reason });
  const names = [...missing].map((id) => JSON.stringify(id)).join(", ");
  throw new RequestTimeoutError(`the wait for agents (${names})`, timeoutMs);

  function pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const pausing = runtime.setTimer(resolve, delayMs);
      controller.signal.addEventListener("abort", () => {
        pausing.cancel();
        resolve();
      });
    });
  }
}

/** Follows who is missing. Resolves with nothing when nobody is any more, or with the reason why it cannot be told. */
async function watch(
  client: BridgeClient,
  ids: readonly string[],
  missing: Set<string>,
  signal: AbortSignal,
): Promise<LoomError | undefined> {
  try {
    for await (const { change, agent } of client.watchAgents({}, { signal })) {
      const id = agent?.agentId ?? "";
      if (change !== AgentChange.OFFLINE) missing.delete(id);
      else if (ids.includes(id)) missing.add(id);
      if (missing.size === 0) return undefined;
    }
    return new LoomError("unavailable", "the bridge ended the watch");
  } catch (error) {
    if (LoomError.isInstance(error) && (error.retryable || signal.aborted)) return error;
    throw error;
  }
}
