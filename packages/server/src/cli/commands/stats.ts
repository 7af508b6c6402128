import { parseFilter } from "@loom-bridge/protocol";
import type { TopicStats } from "@loom-bridge/protocol/messages";
import { exitCode } from "../exit-code.ts";
import { writeJson, writeTable } from "../output.ts";
import { type ConnectionOptions, withConnection } from "../remote/connection-options.ts";
import { answerTimeoutMs } from "../remote/remote-failure.ts";
import type { Terminal } from "../terminal.ts";

export interface StatsOptions extends ConnectionOptions {
  readonly filter?: string;
}

/** Shows what the event bus did since the bridge started. */
export function stats(terminal: Terminal, options: StatsOptions): Promise<number> {
  const { filter = "" } = options;
  if (filter !== "") parseFilter(filter);
  return withConnection(terminal, options, async ({ remote }) => {
    const { topics, total, topicCount } = await remote.bridge.getStats({ filter }, { timeoutMs: answerTimeoutMs });
    const counted = topics.map((topic) => ({ topic: topic.topic, ...counts(topic) }));
    const all = counts(total);
    if (options.json) {
      for (const topic of counted) writeJson(terminal, topic);
      writeJson(terminal, { total: all, topicCount });
      return exitCode.ok;
    }
    const rows = [...counted, { topic: `all topics (${topicCount})`, ...all }].map((row) =>
      Object.values(row).map(String),
    );
    writeTable(terminal, ["TOPIC", "PUBLISHED", "DELIVERED", "DROPPED", "SUBSCRIPTIONS", "BACKLOG"], rows);
    return exitCode.ok;
  });
}

function counts(topic: TopicStats | undefined): Record<string, number> {
  return {
    published: Number(topic?.published ?? 0),
    delivered: Number(topic?.delivered ?? 0),
    dropped: Number(topic?.dropped ?? 0),
    activeSubscriptions: topic?.activeSubscriptions ?? 0,
    backlog: Number(topic?.backlog ?? 0),
  };
}
