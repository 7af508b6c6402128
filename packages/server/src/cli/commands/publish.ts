import { parseTopic } from "@loom-bridge/protocol";
import { byReason, withReasons } from "../drops.ts";
import { exitCode } from "../exit-code.ts";
import { writeJson, writeLine } from "../output.ts";
import { type ConnectionOptions, withConnection } from "../remote/connection-options.ts";
import type { Terminal } from "../terminal.ts";
import { readArgument } from "./read-argument.ts";

export interface PublishOptions extends ConnectionOptions {
  readonly type?: string;
  readonly source: string;
  readonly meta?: Readonly<Record<string, string>>;
}

/** The bridge waits up to its stall timeout, 30 s, for a subscriber whose queue is full. */
const publishTimeoutMs = 40_000;

/** Publishes one event and shows what became of it. */
export function publish(
  terminal: Terminal,
  options: PublishOptions,
  topic: string,
  given: string | undefined,
): Promise<number> {
  parseTopic(topic);
  return withConnection(terminal, options, async ({ remote }) => {
    const event = {
      type: options.type ?? "",
      source: options.source,
      metadata: { ...options.meta },
      timestampMs: BigInt(Math.floor(terminal.runtime.now())),
      payload: Buffer.from(await readArgument(terminal, given)),
    };
    const answer = await remote.bridge.publish({ topic, event }, { timeoutMs: publishTimeoutMs });
    const { eventId, matched, queued, dropped } = answer;
    const drops = byReason(answer.drops);
    if (options.json) {
      writeJson(terminal, { eventId, matched, queued, dropped, drops, offset: Number(answer.offset) });
      return exitCode.ok;
    }
    const lost = withReasons(dropped, drops);
    writeLine(terminal, `published ${eventId} to ${topic}: matched ${matched}, queued ${queued}, dropped ${lost}`);
    if (matched === 0) writeLine(terminal, terminal.style("yellow", "Nobody subscribes to this topic now."));
    return exitCode.ok;
  });
}
