import { LoomError } from "@loom-bridge/protocol";
import { AgentChange, type WatchAgentsResponse } from "@loom-bridge/protocol/messages";
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
  let missing: ReadonlySet<string> = new Set(ids);
  let isLate = false;
  const timer = runtime.setTimer(() => {
    isLate = true;
    controller.abort();
  }, timeoutMs);
  const explain = (cause: unknown): unknown => {
    if (signal?.aborted)
      return new LoomError("canceled", "the wait for agents was cancelled", { cause: signal.reason });
    if (!isLate) return cause;
    const names = [...missing].map((id) => JSON.stringify(id)).join(", ");
    return new RequestTimeoutError(`the wait for agents (${names})`, timeoutMs, { cause });
  };
  try {
    for (;;) {
      let failure: LoomError | undefined;
      try {
        for await (const { change, agent } of client.watchAgents({}, { signal: controller.signal })) {
          missing = update(missing, change, agent?.agentId ?? "", ids);
          if (missing.size === 0) return;
        }
      } catch (error) {
        if (!LoomError.isInstance(error) || !error.retryable) throw error;
        failure = error;
      }
      missing = new Set(ids);
      await new Promise<void>((resolve) => {
        const pause = runtime.setTimer(resolve, backoff.next(failure));
        controller.signal.addEventListener("abort", () => {
          pause.cancel();
          resolve();
        });
      });
      if (controller.signal.aborted) throw failure;
    }
  } catch (error) {
    throw explain(error);
  } finally {
    timer.cancel();
    unlink();
  }
}

function update(
  missing: ReadonlySet<string>,
  change: WatchAgentsResponse["change"],
  agentId: string,
  ids: readonly string[],
): ReadonlySet<string> {
  if (change === AgentChange.OFFLINE) return new Set([...missing, ...ids.filter((id) => id === agentId)]);
  return new Set([...missing].filter((id) => id !== agentId));
}
