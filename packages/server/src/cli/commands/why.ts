import type { ExplainResponse, JournalEntry } from "@loom-bridge/protocol/messages";
import { timeOfDay } from "../../logging/time-of-day.ts";
import { exitCode } from "../exit-code.ts";
import { briefDuration, printable, writeJson, writeLine } from "../output.ts";
import { type ConnectionOptions, withConnection } from "../remote/connection-options.ts";
import { answerTimeoutMs } from "../remote/remote-failure.ts";
import type { Terminal } from "../terminal.ts";

/** Tells what became of an event or a tool call. Fails when the bridge knows nothing of it. */
export function why(terminal: Terminal, options: ConnectionOptions, id: string): Promise<number> {
  return withConnection(terminal, options, async ({ remote }) => {
    const story = await remote.bridge.explain({ id }, { timeoutMs: answerTimeoutMs });
    if (options.json) {
      for (const entry of story.entries) writeJson(terminal, toJson(entry));
      writeJson(terminal, { event: "end", id, entries: story.entries.length, sinceMs: Number(story.sinceMs) });
    } else if (story.entries.length === 0) {
      terminal.writeError(`${whyNothing(terminal, id, story)}\n`);
    } else {
      tell(terminal, story.entries);
    }
    return story.entries.length === 0 ? exitCode.failed : exitCode.ok;
  });
}

function tell(terminal: Terminal, entries: readonly JournalEntry[]): void {
  const firstMs = Number(entries[0]?.timestampMs);
  const width = Math.max(...entries.map(({ what }) => what.length));
  for (const { timestampMs, what, agentId, subject, detail } of entries) {
    const atMs = Number(timestampMs);
    const after = `+${atMs - firstMs} ms`.padStart(9);
    const time = terminal.style("dim", `${timeOfDay(atMs)} ${after}`);
    const who = agentId === "" ? "" : ` ${agentId}`;
    const about = detail === "" ? "" : `: ${detail}`;
    writeLine(terminal, `${time}  ${printable(`${what.padEnd(width)}  ${subject}${who}${about}`)}`);
  }
}

function whyNothing(terminal: Terminal, id: string, { sinceMs }: ExplainResponse): string {
  const nothing = `Nothing is known of ${printable(id)}`;
  if (sinceMs === 0n) return `${nothing}: this bridge keeps no journal (journal.enabled)`;
  const since = briefDuration(terminal.runtime.now() - Number(sinceMs));
  return `${nothing}. The journal goes back ${since}; what happened before is forgotten.`;
}

function toJson({ timestampMs, what, agentId, subject, detail }: JournalEntry): Record<string, unknown> {
  return { timestampMs: Number(timestampMs), what, agentId, subject, detail };
}
