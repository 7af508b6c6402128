import { isDeepStrictEqual } from "node:util";
import { LoomError, maxTimerDelayMs, type Runtime, type Timer } from "@loom-bridge/protocol";
import type { Logger } from "../logger.ts";
import { Access, type OnDenied } from "./access.ts";
import { askInTurns } from "./ask-in-turns.ts";
import type { Audit } from "./audit.ts";
import type { Authenticator, Presented } from "./authenticator.ts";
import { anybody, type Principal } from "./principal.ts";
import { unauthenticated } from "./refusals.ts";
import { agentOf } from "./speaking-agent.ts";

export interface GatekeeperOptions {
  /** Undefined: everybody is let in, and may do everything. */
  readonly authenticator: Authenticator | undefined;
  readonly runtime: Runtime;
  readonly logger: Logger;
  readonly audit: Audit;
  /** Streams without a session of one principal, unless its own limits say otherwise. Default: 100. */
  readonly streamsPerPrincipal?: number;
}

/** What a stream does when its principal is not what it was. */
export interface Holder {
  /** Its principal is no more: the stream ends with this error. */
  end(error: LoomError): void;
  /** Its principal may do other things now; `access` knows them already. */
  changed?(before: Principal): void;
}

/** What came of asking everybody again. */
export interface ReloadOutcome {
  /** Streams whose principal is what it was. */
  readonly unchanged: number;
  readonly changed: number;
  readonly ended: number;
  /** Streams that go on because the authenticator could not say now whose they are. */
  readonly unknown: number;
}

/** Finds out who makes a call, and watches over those who stay. */
export interface Gatekeeper {
  /**
   * Says what the one who makes a call may do.
   * @throws LoomError `unauthenticated` or, when it cannot be found out in time, `unavailable`.
   */
  admit(presented: Presented): Access | Promise<Access>;
  /** For a principal that somebody else vouches for. */
  accessOf(principal: Principal): Access;
  /** Watches over a stream until the function is called that it returns. */
  hold(access: Access, holder: Holder): () => void;
  /**
   * Does the same for a stream without a session, of which a principal may have only so many.
   * @throws LoomError `resource_exhausted` when it has too many.
   */
  holdStream(access: Access, holder: Holder): () => void;
  /**
   * Has the authenticator read its keys and rules anew, and asks it again about everybody who has a stream open.
   * @throws LoomError when it cannot; everything is as before then.
   */
  reload(): Promise<ReloadOutcome>;
}

/** What an authenticator has to answer, its own requests to others included. */
const answerTimeoutMs = 5000;
/** Streams about which an authenticator is asked at a time: one that is slow for some holds up few others. */
const askedAtOnce = 100;

export function createGatekeeper(options: GatekeeperOptions): Gatekeeper {
  const { authenticator, runtime, logger, audit, streamsPerPrincipal = 100 } = options;
  const held = new Map<Holder, Access>();
  /** Streams without a session, by their owner. */
  const streams = new Map<string, number>();
  /** Counts the reloads, and remembers before which one somebody was let in. */
  let generation = 0;
  const admittedIn = new WeakMap<Presented, number>();

  const onDenied: OnDenied = ({ principal, agentId, presented }, act, resource, rule = "nothing allows it") => {
    const { subject, tenant } = principal;
    const { remoteAddress } = presented ?? {};
    audit.note("denied", `${tenant}/${subject}`, { act, resource, rule, subject, tenant, agentId, remoteAddress });
  };

  function enter(principal: Principal | undefined, presented: Presented): Access {
    if (principal === undefined) throw unauthenticated("missing");
    if (principal.expiresMs !== undefined && principal.expiresMs <= runtime.now()) throw unauthenticated("expired");
    return agentOf(new Access(principal, { onDenied, presented }), presented.header);
  }

  function refuse(error: unknown, { remoteAddress }: Presented): LoomError {
    if (!LoomError.isInstance(error)) {
      logger.error("credentials could not be checked", { error, remoteAddress });
      return new LoomError("unavailable", "the credentials cannot be checked now; try again");
    }
    const cause = error.cause instanceof Error ? error.cause.message : undefined;
    // What somebody may not do was noted where it was found.
    if (error.code !== "permission_denied") {
      audit.note("credentials refused", remoteAddress, { remoteAddress, problem: error.rawMessage, cause });
    }
    return error;
  }

  async function inTime(asked: Promise<Principal | undefined>): Promise<Principal | undefined> {
    let timer: Timer | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = runtime.setTimer(() => {
        reject(new LoomError("unavailable", `the credentials could not be checked within ${answerTimeoutMs} ms`));
      }, answerTimeoutMs);
    });
    try {
      return await Promise.race([asked, late]);
    } finally {
      timer?.cancel();
    }
  }

  function admit(presented: Presented): Access | Promise<Access> {
    if (authenticator === undefined) return agentOf(new Access(anybody), presented.header);
    admittedIn.set(presented, generation);
    try {
      const asked = authenticator.authenticate(presented);
      if (!(asked instanceof Promise)) return enter(asked, presented);
      return inTime(asked)
        .then((principal) => enter(principal, presented))
        .catch((error: unknown) => {
          throw refuse(error, presented);
        });
    } catch (error) {
      throw refuse(error, presented);
    }
  }

  /** Ends a stream when its credentials do. Measured from now on by a clock that nobody sets. */
  function watchExpiry(holder: Holder, { principal: { expiresMs } }: Access): () => void {
    if (expiresMs === undefined) return () => {};
    const atMs = runtime.monotonic() + (expiresMs - runtime.now());
    const wait = (): Timer =>
      runtime.setTimer(
        () => {
          if (runtime.monotonic() < atMs) timer = wait();
          else holder.end(unauthenticated("expired", true));
        },
        Math.min(Math.max(0, Math.ceil(atMs - runtime.monotonic())), maxTimerDelayMs),
      );
    let timer = wait();
    return () => timer.cancel();
  }

  function hold(access: Access, holder: Holder): () => void {
    let stopTimer = watchExpiry(holder, access);
    const watched: Holder = {
      end: (error) => holder.end(error),
      changed(before) {
        stopTimer();
        stopTimer = watchExpiry(holder, access);
        holder.changed?.(before);
      },
    };
    held.set(watched, access);
    const { presented } = access;
    // Something was changed since it was let in.
    if (presented !== undefined && admittedIn.get(presented) !== generation) void askAgain(watched, access);
    return () => {
      held.delete(watched);
      stopTimer();
    };
  }

  function holdStream(access: Access, holder: Holder): () => void {
    const { owner } = access;
    const { streams: most = streamsPerPrincipal } = access.principal.limits;
    const open = streams.get(owner) ?? 0;
    if (open >= most) throw tooManyStreams(most);
    streams.set(owner, open + 1);
    const release = hold(access, holder);
    return () => {
      release();
      const left = (streams.get(owner) ?? 0) - 1;
      if (left > 0) streams.set(owner, left);
      else streams.delete(owner);
    };
  }

  async function askAgain(holder: Holder, access: Access): Promise<keyof ReloadOutcome> {
    const principal = await findOut(access);
    if (principal === "unknown") return "unknown";
    if (!held.has(holder)) return "unchanged";
    const before = access.principal;
    if (principal === undefined || principal.subject !== before.subject || principal.tenant !== before.tenant) {
      holder.end(unauthenticated("revoked", true));
      return "ended";
    }
    if (isDeepStrictEqual(principal, before)) return "unchanged";
    access.renew(principal);
    holder.changed?.(before);
    return "changed";
  }

  /** "unknown": it cannot be found out now, so its stream goes on. */
  async function findOut({ presented }: Access): Promise<Principal | undefined | "unknown"> {
    if (presented === undefined || authenticator === undefined) return "unknown";
    try {
      return await inTime(Promise.resolve(authenticator.authenticate(presented)));
    } catch (error) {
      if (LoomError.isInstance(error) && error.code === "unauthenticated") return undefined;
      logger.error("credentials could not be checked again; their stream goes on", { error });
      return "unknown";
    }
  }

  return {
    admit,
    accessOf: (principal) => new Access(principal, { onDenied }),
    hold,
    holdStream,
    async reload() {
      await authenticator?.reload?.();
      generation += 1;
      const outcome = { unchanged: 0, changed: 0, ended: 0, unknown: 0 };
      await askInTurns([...held], askedAtOnce, async ([holder, access]) => {
        if (held.has(holder)) outcome[await askAgain(holder, access)] += 1;
      });
      return outcome;
    },
  };
}

function tooManyStreams(most: number): LoomError {
  const problem = `${most} subscriptions without a session are open with these credentials, the most allowed`;
  return new LoomError("resource_exhausted", `${problem}; end one, or ask the operator for more`, {
    details: { limit: "streamsPerPrincipal", value: String(most) },
  });
}
