import { checkFence, type ExecutionClaim, isLive, noFence, tooManyClaims } from "../domain/memory/execution-claim.ts";
import type { MemoryCapacity } from "../domain/memory/memory-capacity.ts";
import type { Duplicate, Execution, MemoryStore, Plan, PlanSubject } from "../domain/memory/memory-store.ts";
import { storeClosed } from "./store-closed.ts";
import { tooManySessions } from "./too-many-sessions.ts";

interface ModelSession {
  plans: Plan[];
  records: Execution[];
  prevented: string[];
  preventedInAll: number;
  claims: ExecutionClaim[];
  /** Every token that was ever given. */
  tokens: number[];
}

/**
 * The promises of a memory store in the plainest words: lists, searched from end to end. Tests compare every driver
 * with it.
 */
export function createMemoryStoreModel(capacity: MemoryCapacity): MemoryStore {
  const sessions = new Map<string, ModelSession>();
  let closed = false;

  function session(id: string): ModelSession {
    if (closed) throw storeClosed();
    return sessions.get(id) ?? { plans: [], records: [], prevented: [], preventedInAll: 0, claims: [], tokens: [] };
  }

  function keep(id: string, changed: ModelSession): void {
    if (!sessions.has(id) && sessions.size >= capacity.sessions) throw tooManySessions(capacity.sessions);
    sessions.set(id, changed);
  }

  function prevent(id: string, subject: PlanSubject, windowMs: number): Duplicate | undefined {
    const { plans, prevented, preventedInAll } = session(id);
    const [nearest] = plans
      .map((plan, order) => ({ plan, order, distanceMs: Math.abs(plan.timestampMs - subject.timestampMs) }))
      .filter(({ plan }) => plan.symbol === subject.symbol && plan.action === subject.action)
      .filter(({ distanceMs }) => distanceMs < windowMs)
      .sort((one, other) => one.distanceMs - other.distanceMs || other.order - one.order);
    if (nearest === undefined) return undefined;
    keep(id, { ...session(id), prevented: [...prevented, subject.symbol], preventedInAll: preventedInAll + 1 });
    return { plan: nearest.plan, distanceMs: nearest.distanceMs };
  }

  return {
    kind: "model",

    async savePlan(id, plan, { onlyIfNewWithinMs } = {}) {
      const duplicate = onlyIfNewWithinMs === undefined ? undefined : prevent(id, plan, onlyIfNewWithinMs);
      if (duplicate !== undefined) return { status: "duplicate", ...duplicate };
      const before = session(id);
      const plans = [...before.plans, plan].slice(-capacity.plansPerSession);
      const prevented = before.prevented.filter((symbol) => plans.some((stored) => stored.symbol === symbol));
      keep(id, { ...before, plans, prevented });
      return { status: "saved", evicted: before.plans.length + 1 - plans.length };
    },

    async findDuplicate(id, subject, windowMs) {
      return prevent(id, subject, windowMs);
    },

    async recentPlans(id, { symbol, limit }) {
      return session(id)
        .plans.filter((plan) => symbol === undefined || plan.symbol === symbol)
        .reverse()
        .slice(0, limit);
    },

    async markExecuted(id, execution, fence = noFence) {
      const before = session(id);
      const first = before.records.find((record) => record.executed && record.planHash === execution.planHash);
      if (first !== undefined) return { alreadyExecuted: true, execution: first, evicted: 0 };
      const claim = before.claims.find(({ planHash }) => planHash === execution.planHash);
      checkFence(claim, execution.planHash, fence);
      const claims = before.claims.filter((other) => !execution.executed || other !== claim);
      const same = before.records.filter((record) => record.executed === execution.executed);
      const evicted = same.slice(
        0,
        Math.max(0, same.length + 1 - capacity[execution.executed ? "executionsPerSession" : "attemptsPerSession"]),
      );
      const records = [...before.records.filter((record) => !evicted.includes(record)), execution];
      keep(id, { ...before, records, claims });
      return { alreadyExecuted: false, execution, evicted: evicted.length };
    },

    async claimExecution(id, { planHash, holder, leaseMs, nowMs }) {
      const before = session(id);
      const execution = before.records.find((record) => record.executed && record.planHash === planHash);
      if (execution !== undefined) return { status: "executed", execution };
      const claim = before.claims.find((one) => one.planHash === planHash);
      const live = claim !== undefined && isLive(claim, nowMs);
      if (live && claim.holder !== holder) return { status: "held", claim };
      let others = before.claims.filter((one) => one !== claim);
      if (claim === undefined && others.length >= capacity.claimsPerSession) {
        const [ended] = others
          .filter((one) => one.expiresMs <= nowMs)
          .sort((one, other) => one.expiresMs - other.expiresMs || one.fencingToken - other.fencingToken);
        if (ended === undefined) throw tooManyClaims(capacity.claimsPerSession);
        others = others.filter((one) => one !== ended);
      }
      const fencingToken = live ? claim.fencingToken : Math.max(nowMs, 1 + Math.max(0, ...before.tokens));
      const claimed = { planHash, holder, fencingToken, expiresMs: nowMs + leaseMs };
      keep(id, { ...before, claims: [...others, claimed], tokens: [...before.tokens, fencingToken] });
      return { status: "claimed", claim: claimed };
    },

    async releaseExecution(id, planHash, fencingToken) {
      const before = session(id);
      const released = (one: ExecutionClaim): boolean => one.planHash === planHash && one.fencingToken === fencingToken;
      if (!before.claims.some(released)) return false;
      keep(id, { ...before, claims: before.claims.filter((one) => !released(one)) });
      return true;
    },

    async findExecution(id, planHash) {
      return session(id).records.find((record) => record.executed && record.planHash === planHash);
    },

    async executionStats(id, { symbol, recentLimit }) {
      const { records, prevented, preventedInAll } = session(id);
      const counted = records.filter((record) => symbol === undefined || record.symbol === symbol);
      return {
        total: counted.length,
        successful: counted.filter((record) => record.status === "success").length,
        failed: counted.filter((record) => record.status === "error").length,
        duplicatesPrevented: symbol === undefined ? preventedInAll : prevented.filter((one) => one === symbol).length,
        recent: counted.reverse().slice(0, recentLimit),
      };
    },

    async close() {
      closed = true;
    },
  };
}
