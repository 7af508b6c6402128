import type { Access } from "../domain/access/access.ts";
import { type DropReason, noDrops } from "../domain/bus/drops.ts";
import type { EventBus, TopicReport } from "../domain/bus/event-bus.ts";
import type { SubscriptionReport } from "../domain/bus/subscription-report.ts";
import type { JournalRecord } from "../domain/journal/journal.ts";

/** What somebody may know of what the bus did: all of it, or that of its own topics, summed up without the others. */
export function visibleReport(bus: EventBus, access: Access): Omit<ReturnType<EventBus["report"]>, "drops"> {
  const report = bus.report();
  if (isObserver(access)) return report;
  const topics = report.topics.filter(({ topic }) => concerns(access, topic));
  return { topics, total: topics.reduce(add, nothing()), topicCount: topics.length };
}

/** The subscriptions that somebody may know of: its own agents'. */
export function visibleSubscriptions(bus: EventBus, access: Access): SubscriptionReport[] {
  const reports = bus.reportSubscriptions();
  return isObserver(access) ? reports : reports.filter(({ agentId }) => isOwn(access, agentId));
}

/** What somebody may know of a story: what happened to its own agents. */
export function visibleRecords(records: readonly JournalRecord[], access: Access): readonly JournalRecord[] {
  return isObserver(access) ? records : records.filter(({ agentId }) => isOwn(access, agentId));
}

function isObserver(access: Access): boolean {
  return access.may("admin", "observe");
}

function isOwn(access: Access, agentId: string): boolean {
  return agentId !== "" && access.may("agents.as", agentId);
}

function concerns(access: Access, topic: string): boolean {
  return access.may("topics.publish", topic) || access.may("topics.subscribe", topic);
}

function nothing(): TopicReport {
  return { topic: "", published: 0, delivered: 0, dropped: 0, drops: noDrops(), backlog: 0, activeSubscriptions: 0 };
}

function add(sum: TopicReport, one: TopicReport): TopicReport {
  const drops = { ...sum.drops };
  for (const [reason, count] of Object.entries(one.drops) as [DropReason, number][]) drops[reason] += count;
  return {
    topic: "",
    published: sum.published + one.published,
    delivered: sum.delivered + one.delivered,
    dropped: sum.dropped + one.dropped,
    drops,
    backlog: sum.backlog + one.backlog,
    activeSubscriptions: sum.activeSubscriptions + one.activeSubscriptions,
  };
}
