import type { Duplicate, Plan, PlanSubject } from "../../domain/memory/memory-store.ts";

interface StoredPlan {
  readonly plan: Plan;
  /** Grows with every plan of the session. */
  readonly order: number;
}

interface SymbolPlans {
  /** Oldest stored first. */
  readonly stored: StoredPlan[];
  /** By action; ordered by time stamp, then by order of storing. */
  readonly byTime: Map<string, StoredPlan[]>;
  duplicatesPrevented: number;
}

/** The plans of one session, indexed so that finding a duplicate takes two binary searches. */
export class SessionPlans {
  readonly #stored: StoredPlan[] = [];
  readonly #symbols = new Map<string, SymbolPlans>();
  #nextOrder = 0;
  #duplicatesPrevented = 0;

  get size(): number {
    return this.#stored.length;
  }

  /** The plan that the next eviction takes. */
  get oldest(): Plan | undefined {
    return this.#stored[0]?.plan;
  }

  add(plan: Plan): void {
    const entry = { plan, order: this.#nextOrder++ };
    let symbol = this.#symbols.get(plan.symbol);
    if (symbol === undefined) {
      symbol = { stored: [], byTime: new Map(), duplicatesPrevented: 0 };
      this.#symbols.set(plan.symbol, symbol);
    }
    let byTime = symbol.byTime.get(plan.action);
    if (byTime === undefined) {
      byTime = [];
      symbol.byTime.set(plan.action, byTime);
    }
    byTime.splice(firstAfter(byTime, plan.timestampMs), 0, entry);
    symbol.stored.push(entry);
    this.#stored.push(entry);
  }

  evictOldest(): void {
    const entry = this.#stored.shift();
    if (entry === undefined) return;
    const { symbol: name, action, timestampMs } = entry.plan;
    const symbol = this.#symbols.get(name);
    // The session's oldest plan is also the oldest of its symbol, and of those with its action and time stamp.
    symbol?.stored.shift();
    const byTime = symbol?.byTime.get(action);
    byTime?.splice(firstAfter(byTime, timestampMs - 1), 1);
    if (byTime?.length === 0) symbol?.byTime.delete(action);
    if (symbol?.stored.length === 0) this.#symbols.delete(name);
  }

  nearest({ symbol, action, timestampMs }: PlanSubject, windowMs: number): Duplicate | undefined {
    const byTime = this.#symbols.get(symbol)?.byTime.get(action) ?? [];
    const after = firstAfter(byTime, timestampMs);
    const earlier = byTime[after - 1];
    const nextTime = byTime[after]?.plan.timestampMs;
    // Of those that share the next time stamp, the newest stands last.
    const later = nextTime === undefined ? undefined : byTime[firstAfter(byTime, nextTime) - 1];
    const found = nearer(earlier, later, timestampMs);
    if (found === undefined) return undefined;
    const distanceMs = Math.abs(found.plan.timestampMs - timestampMs);
    return distanceMs < windowMs ? { plan: found.plan, distanceMs } : undefined;
  }

  countPrevented(symbol: string): void {
    this.#duplicatesPrevented += 1;
    const plans = this.#symbols.get(symbol);
    if (plans !== undefined) plans.duplicatesPrevented += 1;
  }

  prevented(symbol: string | undefined): number {
    if (symbol === undefined) return this.#duplicatesPrevented;
    return this.#symbols.get(symbol)?.duplicatesPrevented ?? 0;
  }

  recent(symbol: string | undefined, limit: number): Plan[] {
    const stored = symbol === undefined ? this.#stored : (this.#symbols.get(symbol)?.stored ?? []);
    return stored
      .slice(-limit)
      .reverse()
      .map((entry) => entry.plan);
  }
}

function nearer(
  earlier: StoredPlan | undefined,
  later: StoredPlan | undefined,
  timestampMs: number,
): StoredPlan | undefined {
  if (earlier === undefined || later === undefined) return earlier ?? later;
  const lead = timestampMs - earlier.plan.timestampMs - (later.plan.timestampMs - timestampMs);
  if (lead === 0) return earlier.order > later.order ? earlier : later;
  return lead < 0 ? earlier : later;
}

/** The index of the first plan whose time stamp is greater. */
function firstAfter(byTime: readonly StoredPlan[], timestampMs: number): number {
  let low = 0;
  let high = byTime.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const entry = byTime[middle];
    if (entry !== undefined && entry.plan.timestampMs <= timestampMs) low = middle + 1;
    else high = middle;
  }
  return low;
}
