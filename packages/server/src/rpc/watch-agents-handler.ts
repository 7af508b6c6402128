import { create } from "@bufbuild/protobuf";
import type { HandlerContext } from "@connectrpc/connect";
import { BoundedQueue, LoomError, Wakeup } from "@loom-bridge/protocol";
import {
  AgentChange,
  type WatchAgentsRequest,
  type WatchAgentsResponse,
  WatchAgentsResponseSchema,
} from "@loom-bridge/protocol/messages";
import type { Access } from "../domain/access/access.ts";
import type { Gatekeeper } from "../domain/access/gatekeeper.ts";
import { rightsChanged } from "../domain/access/refusals.ts";
import type { Logger } from "../domain/logger.ts";
import type { Presence } from "../domain/session/presence.ts";
import type { Session } from "../domain/session/session.ts";
import type { SessionChange } from "../domain/session/session-change.ts";
import type { StreamEnds } from "../domain/session/stream-ends.ts";
import { accessOf } from "./access-of.ts";
import { maySee, provides, toAgentInfo } from "./agent-info.ts";
import { abortReason, toConnectError } from "./connect-error.ts";

export interface WatchAgentsOptions {
  readonly presence: Presence;
  /** The live sessions. */
  readonly list: () => readonly Session[];
  readonly streamEnds: StreamEnds;
  readonly gatekeeper: Pick<Gatekeeper, "holdStream">;
  readonly logger: Logger;
}

/** Changes that may wait for a watcher: a thousand agents that come back at once are told to it. */
const maxChanges = 4096;

/** Serves `AgentService.WatchAgents`: who is here, that this was all, then every change in its order. */
export function createWatchAgentsHandler({ presence, list, streamEnds, gatekeeper, logger }: WatchAgentsOptions) {
  return async function* watchAgents(
    { tool }: WatchAgentsRequest,
    context: HandlerContext,
  ): AsyncGenerator<WatchAgentsResponse> {
    const wakeup = new Wakeup();
    const wake = (): void => wakeup.wake();
    const changes = new BoundedQueue<WatchAgentsResponse>({ maxItems: maxChanges, maxBytes: maxChanges });
    let ended: LoomError | undefined;
    const end = (error: LoomError): void => {
      ended ??= error;
      wake();
    };
    const stop: (() => void)[] = [];
    context.signal.addEventListener("abort", wake);
    try {
      const access = accessOf(context);
      stop.push(gatekeeper.holdStream(access, { end, changed: () => end(rightsChanged()) }));
      stop.push(streamEnds.add(end));
      const stopWatching = presence.watch((change) => {
        const response = maySee(access, change.session) ? toResponse(change, tool, access) : undefined;
        if (response === undefined) return;
        if (changes.offer(response, 1) < 0) {
          stopWatching();
          end(tooSlow());
        }
        wake();
      });
      stop.push(stopWatching);
      const present = list().filter((session) => maySee(access, session) && provides(session, tool, access));
      for (const session of present) yield respond(access, AgentChange.PRESENT, session);
      yield create(WatchAgentsResponseSchema, { change: AgentChange.COMPLETE });
      for (;;) {
        if (ended !== undefined) throw ended;
        if (context.signal.aborted) throw abortReason(context.signal);
        const taken = changes.take();
        if (taken.length === 0) await wakeup.wait();
        else yield* taken;
      }
    } catch (error) {
      throw toConnectError(error, logger);
    } finally {
      context.signal.removeEventListener("abort", wake);
      for (const each of stop) each();
    }
  };
}

/** To who watches one tool's providers, an agent that takes over without the tool has gone. */
function toResponse(change: SessionChange, tool: string, access: Access): WatchAgentsResponse | undefined {
  if (change.kind === "offline") {
    if (!provides(change.session, tool, access)) return undefined;
    return respond(access, AgentChange.OFFLINE, change.session, change.reason);
  }
  if (provides(change.session, tool, access)) return respond(access, AgentChange.ONLINE, change.session);
  if (change.replaced === undefined || !provides(change.replaced, tool, access)) return undefined;
  return respond(access, AgentChange.OFFLINE, change.session, `its newer session does not provide ${tool}`);
}

function respond(access: Access, change: AgentChange, session: Session, reason = ""): WatchAgentsResponse {
  return create(WatchAgentsResponseSchema, { change, agent: toAgentInfo(session, access), reason });
}

function tooSlow(): LoomError {
  const message = `the watcher does not read: ${maxChanges} changes wait for it. Read faster, and watch again to see who is here`;
  return new LoomError("resource_exhausted", message, {
    retryable: true,
    details: { limit: "watchChanges", value: String(maxChanges) },
  });
}
