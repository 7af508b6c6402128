import { isDeepStrictEqual } from "node:util";
import { LoomError, type Runtime } from "@loom-bridge/protocol";
import type { Access } from "../access/access.ts";
import type { Gatekeeper } from "../access/gatekeeper.ts";
import type { Act } from "../access/grants.ts";
import type { Principal } from "../access/principal.ts";
import { rightsChanged } from "../access/refusals.ts";
import type { Breaches } from "../breaches.ts";
import type { EventBus } from "../bus/event-bus.ts";
import type { Logger } from "../logger.ts";
import type { CallAs } from "../tools/call-as.ts";
import type { ToolDescriptor } from "../tools/tool.ts";
import type { ToolRegistration } from "../tools/tool-registry.ts";
import type { ToolRunner } from "../tools/tool-runner.ts";
import { checkRegistration, type Registration } from "./registration.ts";
import { Session } from "./session.ts";
import type { SessionChange } from "./session-change.ts";
import type { SessionSettings } from "./session-settings.ts";
import { shutdownError } from "./shutdown-error.ts";

/** What sessions need of the tools: a place among the providers, and calls. */
export interface SessionTools {
  /** Takes the tools of an agent, all or none; `replacing` names the registration whose place they take. */
  register(
    provider: ToolRunner,
    descriptors: readonly ToolDescriptor[],
    replacing: ToolRegistration | undefined,
  ): ToolRegistration;
  readonly call: CallAs;
}

export interface SessionRegistryOptions {
  readonly bus: EventBus;
  readonly tools: SessionTools;
  readonly runtime: Runtime;
  readonly logger: Logger;
  readonly settings: SessionSettings;
  readonly gatekeeper: Pick<Gatekeeper, "hold">;
  /** Counts the limits that agents meet without an end of their streams. Default: nothing does. */
  readonly breaches?: Breaches;
  /** Called once for each change, when it has happened. Default: nobody. */
  readonly onChange?: (change: SessionChange) => void;
}

/** What a session was allowed when it registered and subscribed. */
const registeredActs: readonly Act[] = ["agents.as", "agents.see", "topics.subscribe", "tools.provide"];

/** The live sessions, one for each agent: a newer one takes over from an older one. */
export class SessionRegistry {
  readonly #options: SessionRegistryOptions;
  readonly #live = new Map<string, { session: Session; tools: ToolRegistration }>();
  #epoch: number;
  #closed: LoomError | undefined;

  constructor(options: SessionRegistryOptions) {
    this.#options = options;
    // Starts at the clock, so that epochs grow across restarts of the bridge too.
    this.#epoch = Math.floor(options.runtime.now()) * 1000;
  }

  /**
   * Opens a session. When something is wrong with the registration nothing has changed, and a live session of the
   * same agent goes on.
   * @throws LoomError `permission_denied` when the principal may not be this agent or provide its tools, or when the
   *   agent is another's; `resource_exhausted` when it has too many.
   */
  open(registration: Registration, access: Access): Session {
    if (this.#closed !== undefined) throw this.#closed;
    const { bus, tools, runtime, logger, settings, breaches } = this.#options;
    const subscriptions = checkRegistration(registration, settings);
    const older = this.#live.get(registration.agentId);
    const agentAccess = this.#checkRights(registration, access, older?.session);
    this.#epoch += 1;
    let release = (): void => {};
    const session = new Session({
      registration,
      subscriptions,
      access: agentAccess,
      sessionId: runtime.uuid(),
      epoch: this.#epoch,
      bus,
      runtime,
      logger,
      settings,
      onRefused: (error) => breaches?.countError(error),
      callTool: tools.call,
      onEnd: (ended) => {
        release();
        this.#forget(ended);
      },
    });
    let registered: ToolRegistration;
    try {
      registered = tools.register(session.provider, registration.tools, older?.tools);
    } catch (error) {
      session.end(undefined);
      throw error;
    }
    release = this.#options.gatekeeper.hold(agentAccess, {
      end: (error) => session.end(error),
      changed: (before) => this.#rightsChanged(session, before),
    });
    // First in its place, then the older one's end: its clean-up finds that it is no longer the live one.
    this.#live.set(registration.agentId, { session, tools: registered });
    older?.session.end(
      new LoomError("aborted", `superseded: agent ${registration.agentId} opened a newer session`, {
        retryable: false,
        details: { epoch: String(session.epoch) },
      }),
    );
    const { agentId, sessionId, epoch } = session;
    logger.info("agent connected", { agentId, sessionId, epoch, superseded: older !== undefined });
    this.#options.onChange?.({ kind: "online", session, replaced: older?.session });
    return session;
  }

  get(agentId: string): Session | undefined {
    return this.#live.get(agentId)?.session;
  }

  /** The live sessions, by agent id. */
  list(): Session[] {
    return [...this.#live.values()].map(({ session }) => session).sort((a, b) => (a.agentId < b.agentId ? -1 : 1));
  }

  /** Opens no more sessions and tells the agents that theirs will end. */
  drain(reason: string, graceMs: number): void {
    this.#closed = shutdownError(reason);
    for (const { session } of this.#live.values()) session.drain(reason, graceMs);
  }

  /** Ends every session. */
  close(reason: string): void {
    this.#closed = shutdownError(reason);
    for (const { session } of [...this.#live.values()]) session.end(this.#closed);
  }

  #checkRights(registration: Registration, access: Access, older: Session | undefined): Access {
    const { agentId, tools } = registration;
    access.check("agents.as", agentId);
    const { subject, limits } = access.principal;
    const { agents = this.#options.settings.agentsPerPrincipal } = limits;
    if (older !== undefined && older.access.principal.subject !== subject) {
      throw access.deny("agents.as", agentId, "it is another principal's now");
    }
    if (older === undefined && Number.isFinite(agents)) this.#checkRoom(subject, agents);
    const agentAccess = access.as(agentId);
    for (const { name } of tools) agentAccess.check("tools.provide", name);
    return agentAccess;
  }

  #checkRoom(subject: string, limit: number): void {
    const all = [...this.#live.values()];
    const own = all.filter(({ session }) => session.access.principal.subject === subject).length;
    if (own < limit) return;
    throw new LoomError(
      "resource_exhausted",
      `${own} agents of these credentials are connected, the most allowed; stop one, or ask the operator for more`,
      { details: { limit: "agentsPerPrincipal", value: String(limit) } },
    );
  }

  /** What it does from now on is decided anew anyway; what it registered was decided before. */
  #rightsChanged(session: Session, before: Principal): void {
    const { grants } = session.access.principal;
    if (registeredActs.every((act) => isDeepStrictEqual(grants[act], before.grants[act]))) return;
    session.end(rightsChanged());
  }

  #forget(session: Session): void {
    const live = this.#live.get(session.agentId);
    if (live?.session !== session) return;
    live.tools.remove();
    this.#live.delete(session.agentId);
    const { agentId, sessionId, epoch } = session;
    const reason = session.ended?.error?.message ?? "it left";
    this.#options.logger.info("agent disconnected", { agentId, sessionId, epoch, reason });
    this.#options.onChange?.({ kind: "offline", session, reason });
  }
}
