import { LoomError } from "@loom-bridge/protocol";

export function eventTooLarge(bytes: number, most: number): LoomError {
  const problem = `the event has ${bytes} bytes; at most ${most} are allowed (eventBytes); send less, or a reference`;
  return new LoomError("resource_exhausted", problem, { details: { limit: "eventBytes", value: String(most) } });
}

export function topicIsTheBridges(topic: string): LoomError {
  return new LoomError(
    "permission_denied",
    `topic ${JSON.stringify(topic.slice(0, 80))} is the bridge's: it alone publishes under $sys and $dlq; choose another`,
    { details: { field: "topic" } },
  );
}
