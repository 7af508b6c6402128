import { Code, ConnectError } from "@connectrpc/connect";
import { parseFilter } from "@loom-bridge/protocol";
import {
  type Gap,
  GapReasonSchema,
  Qos,
  type SubscribeResponse,
  type TopicEvent,
} from "@loom-bridge/protocol/messages";
import { timeOfDay } from "../../logging/time-of-day.ts";
import { exitCode } from "../exit-code.ts";
import { printable, writeJson, writeLine } from "../output.ts";
import { type ConnectionOptions, withConnection } from "../remote/connection-options.ts";
import { answerTimeoutMs } from "../remote/remote-failure.ts";
import type { Terminal } from "../terminal.ts";

/** The names of the qualities on the command line. */
export const qualities: Readonly<Record<string, Qos>> = {
  realtime: Qos.REALTIME,
  batched: Qos.BATCHED,
  background: Qos.BACKGROUND,
};

export interface SubscribeOptions extends ConnectionOptions {
  readonly qos: string;
  readonly type?: readonly string[];
  /** How many events to show. Without: until Ctrl-C. */
  readonly count?: number;
}

/** Shows events as they come, until Ctrl-C or the count. */
export function subscribe(terminal: Terminal, options: SubscribeOptions, filters: readonly string[]): Promise<number> {
  for (const filter of filters) parseFilter(filter);
  return withConnection(terminal, options, async ({ remote }) => {
    const ended = new AbortController();
    const stopListening = terminal.onInterrupt(() => ended.abort());
    const request = {
      filters: [...filters],
      eventTypes: [...(options.type ?? [])],
      qos: qualities[options.qos] ?? Qos.BATCHED,
    };
    // Once the subscription stands it may be silent for as long as it likes; until then silence is no bridge.
    const { runtime } = terminal;
    const patience = runtime.setTimer(() => ended.abort(unanswered()), answerTimeoutMs);
    let left = options.count ?? Number.POSITIVE_INFINITY;
    try {
      // A time of 0: a subscription has no deadline.
      for await (const response of remote.bridge.subscribe(request, { signal: ended.signal, timeoutMs: 0 })) {
        patience.cancel();
        show(terminal, options, filters, response);
        if (response.delivery.case === "event") left -= 1;
        if (left === 0) break;
      }
    } catch (error) {
      if (!ended.signal.aborted) throw error;
      if (ended.signal.reason instanceof ConnectError) throw ended.signal.reason;
    } finally {
      patience.cancel();
      // A `break` alone would leave the call open.
      ended.abort();
      stopListening();
    }
    return exitCode.ok;
  });
}

function unanswered(): ConnectError {
  return new ConnectError(`no answer within ${answerTimeoutMs} ms`, Code.DeadlineExceeded);
}

function show(
  terminal: Terminal,
  { json }: SubscribeOptions,
  filters: readonly string[],
  { delivery }: SubscribeResponse,
): void {
  switch (delivery.case) {
    case "subscribed":
      if (json) writeJson(terminal, { event: "subscribed", filters });
      else terminal.writeError(`subscribed to ${filters.join(" ")}; Ctrl-C ends it\n`);
      return;
    case "event":
      if (json) writeJson(terminal, toJson(delivery.value));
      else writeLine(terminal, toLine(terminal, delivery.value));
      return;
    case "gap":
      if (json) writeJson(terminal, gapToJson(delivery.value));
      else writeLine(terminal, terminal.style("yellow", gapToLine(delivery.value)));
      return;
    case undefined:
      return;
  }
}

function toLine(terminal: Terminal, { topic, event, sender }: TopicEvent): string {
  const time = terminal.style("dim", timeOfDay(Number(event?.timestampMs ?? 0)));
  const from = sender === "" ? "" : terminal.style("dim", ` from ${printable(sender)}`);
  const type = event?.type ? ` ${printable(event.type)}` : "";
  const { payload, payloadBase64 } = readPayload(event?.payload ?? new Uint8Array());
  const content = payload === undefined ? `base64:${payloadBase64}` : printable(payload);
  return `${time} ${terminal.style("cyan", printable(topic))}${type}${from} ${content}`.trimEnd();
}

function toJson({ topic, sequence, sender, event }: TopicEvent): Record<string, unknown> {
  return {
    event: "received",
    topic,
    sequence: Number(sequence),
    sender,
    id: event?.id,
    type: event?.type,
    timestampMs: Number(event?.timestampMs ?? 0),
    source: event?.source,
    metadata: event?.metadata,
    tags: event?.tags,
    confidence: event?.confidence,
    priority: event?.priority,
    ...readPayload(event?.payload ?? new Uint8Array()),
  };
}

function gapToJson({ firstSequence, lastSequence, reason }: Gap): Record<string, unknown> {
  const [first, last] = [Number(firstSequence), Number(lastSequence)];
  return { event: "gap", firstSequence: first, lastSequence: last, reason: GapReasonSchema.value[reason]?.name };
}

function gapToLine({ firstSequence, lastSequence, reason }: Gap): string {
  const lost = Number(lastSequence - firstSequence) + 1;
  return `gap: ${lost} events lost (${GapReasonSchema.value[reason]?.name}), ${firstSequence} to ${lastSequence}`;
}

interface Payload {
  readonly payload?: string;
  /** Instead, when the payload is no UTF-8 text. */
  readonly payloadBase64?: string;
}

function readPayload(bytes: Uint8Array): Payload {
  try {
    return { payload: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes) };
  } catch {
    return { payloadBase64: Buffer.from(bytes).toString("base64") };
  }
}
