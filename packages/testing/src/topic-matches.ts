import { filterMatches } from "@loom-bridge/protocol";

/** Whether a topic fits a topic or filter, both as text. */
export function topicMatches(filter: string, topic: string): boolean {
  return filterMatches(filter.split("."), topic.split("."));
}
