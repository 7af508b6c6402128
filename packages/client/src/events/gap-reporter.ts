import type { Gap } from "@loom-bridge/protocol/messages";
import type { ErrorReporter } from "../errors/error-reporter.ts";
import type { Logger } from "../logger.ts";
import type { AgentSubscriptions } from "./agent-subscriptions.ts";
import { type EventGap, readGap } from "./event-gap.ts";

export interface GapReporterOptions {
  readonly agentId: string;
  readonly onGap: ((gap: EventGap) => void) | undefined;
  readonly onError: ErrorReporter;
  readonly logger: Logger;
  readonly subscriptions: AgentSubscriptions;
}

/** Brings what a subscription will not get to the author's function, or else to the logger. Never throws. */
export function createGapReporter(options: GapReporterOptions): (gap: Gap) => void {
  const { agentId, onGap, onError, logger, subscriptions } = options;
  return (gap) => {
    const told = readGap(gap, subscriptions.filters(gap.subscription));
    const { subscription, reason, lost } = told;
    if (onGap === undefined) {
      logger.warn("events of a subscription were lost", { agentId, subscription, reason, lost });
      return;
    }
    try {
      onGap(told);
    } catch (error) {
      onError(error);
    }
  };
}
