import type { Envelope } from "@loom-bridge/client";

/** An event as a probe received it. */
export interface ProbeEvent<Payload = unknown> {
  readonly topic: string;
  readonly type: string;
  /** The agent that published it. */
  readonly sender: string | undefined;
  /** The payload as JSON says it; as text when it is no JSON; undefined when it is empty. */
  readonly payload: Payload;
  /** Everything else: id, metadata, thread, sequence, attempt. */
  readonly envelope: Envelope;
  /** When it came, in milliseconds since the test bridge was made. */
  readonly atMs: number;
}

export function toProbeEvent(envelope: Envelope, atMs: number): ProbeEvent {
  const { topic, type, sender } = envelope;
  return { topic, type, sender, payload: payloadOf(envelope), envelope, atMs };
}

function payloadOf(envelope: Envelope): unknown {
  if (envelope.payload.length === 0) return undefined;
  try {
    return envelope.json();
  } catch {
    return envelope.text();
  }
}

export function describeEvent({ topic, type, payload }: ProbeEvent): string {
  const text = JSON.stringify(payload) ?? "no payload";
  return `${topic} ${JSON.stringify(type)} ${text.length > 160 ? `${text.slice(0, 160)}…` : text}`;
}
