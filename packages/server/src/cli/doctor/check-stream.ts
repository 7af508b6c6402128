import { create } from "@bufbuild/protobuf";
import { type ClientEvent, ClientEventSchema } from "@loom-bridge/protocol/messages";
import { explainCall } from "./explain-call.ts";
import { type Finding, failed, ok, type Patient } from "./finding.ts";

/** How far the conversation came. */
type Progress = "register" | "publish" | "received";

/** Does a session work: is Register answered, and does an event that an agent publishes come back to it? */
export async function checkStream({ remote, runtime, timeoutMs }: Patient): Promise<Finding> {
  const agentId = `loom-bridge-doctor-${runtime.uuid()}`;
  const topic = `doctor.${agentId}`;
  const ended = new AbortController();
  const timer = runtime.setTimer(() => ended.abort(), timeoutMs);
  const acknowledged = Promise.withResolvers<void>();
  const received = Promise.withResolvers<void>();
  let progress: Progress = "register";
  let publishedMs = 0;
  let roundTripMs = 0;

  async function* say(): AsyncGenerator<ClientEvent> {
    yield create(ClientEventSchema, { event: { case: "register", value: { agentId, topics: [topic] } } });
    await acknowledged.promise;
    publishedMs = runtime.monotonic();
    const event = { id: agentId, type: "doctor.ping", timestampMs: BigInt(Math.floor(runtime.now())) };
    yield create(ClientEventSchema, { event: { case: "publish", value: { topic, event } } });
    await received.promise;
    yield create(ClientEventSchema, { event: { case: "goodbye", value: { reason: "the check is done" } } });
  }

  try {
    for await (const { delivery } of remote.bridge.stream(say(), { signal: ended.signal, timeoutMs: 0 })) {
      if (delivery.case === "ack") {
        progress = "publish";
        acknowledged.resolve();
      } else if (delivery.case === "event" && delivery.value.id === agentId) {
        progress = "received";
        roundTripMs = runtime.monotonic() - publishedMs;
        received.resolve();
      }
    }
  } catch (error) {
    if (!ended.signal.aborted) return explainCall(error, timeoutMs);
  } finally {
    timer.cancel();
    ended.abort();
    // Whatever the generator still waits for, nobody will send.
    acknowledged.resolve();
    received.resolve();
  }
  if (progress === "received")
    return ok(`Register is acknowledged, and an event came back in ${roundTripMs.toFixed(1)} ms`);
  return progress === "register"
    ? failed(`Register was not acknowledged within ${timeoutMs} ms`, streamAdvice)
    : failed(
        `a published event did not come back within ${timeoutMs} ms`,
        "Look for slow subscribers in the bridge's log.",
      );
}

const streamAdvice = "If a proxy stands before the bridge, let it pass streams on without buffering them.";
