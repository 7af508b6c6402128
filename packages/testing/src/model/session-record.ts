import type { HeardEvent, WireSession } from "./wire-session.ts";

/** All that one session heard, without what differs from bridge to bridge: times, epochs and ids of the bridge's own. */
export interface SessionRecord {
  readonly agentId: string;
  readonly acknowledged: boolean;
  readonly events: readonly HeardEvent[];
  /** By the number of the publish: how many matched, were queued and dropped, and whether it was known already. */
  readonly receipts: readonly (readonly [
    ref: number,
    matched: number,
    queued: number,
    dropped: number,
    again: boolean,
  ])[];
  /** The tools it was asked to run, and by whom. */
  readonly requests: readonly string[];
  readonly results: readonly (readonly [ref: number, status: number, output: string, code: string])[];
  readonly cancels: number;
  readonly ended: string;
}

/** What a session heard, to be compared with what it heard on another bridge. */
export function recordOf(session: WireSession): SessionRecord {
  const { agentId, ack, events, requests, cancels, ended } = session;
  return {
    agentId,
    acknowledged: ack?.success ?? false,
    events,
    receipts: Array.from(session.receipts, ([ref, { matched, queued, dropped, duplicate }]) => {
      return [ref, matched, queued, dropped, duplicate] as const;
    }),
    requests: requests.map(({ call, caller }) => `${call?.name} for ${caller}`),
    results: session.results.map(({ ref, result }) => {
      return [ref, result?.status ?? -1, result?.output ?? "", result?.error?.code ?? ""] as const;
    }),
    cancels: cancels.length,
    ended: ended?.code ?? "open",
  };
}
