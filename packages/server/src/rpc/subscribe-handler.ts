import { create } from "@bufbuild/protobuf";
import type { HandlerContext } from "@connectrpc/connect";
import { type LoomError, limits, Wakeup } from "@loom-bridge/protocol";
import { type SubscribeRequest, type SubscribeResponse, SubscribeResponseSchema } from "@loom-bridge/protocol/messages";
import type { Gatekeeper } from "../domain/access/gatekeeper.ts";
import { rightsChanged } from "../domain/access/refusals.ts";
import type { BusSubscription } from "../domain/bus/bus-subscription.ts";
import type { EventBus } from "../domain/bus/event-bus.ts";
import type { Taken } from "../domain/bus/outlet.ts";
import type { Subscriber } from "../domain/bus/subscriber.ts";
import type { Logger } from "../domain/logger.ts";
import { checkHearing } from "../domain/session/check-hearing.ts";
import { checkSubscription, type HearingLimits } from "../domain/session/registration.ts";
import type { StreamEnds } from "../domain/session/stream-ends.ts";
import { accessOf } from "./access-of.ts";
import { abortReason, toConnectError } from "./connect-error.ts";
import { gapReasons } from "./delivery-mapping.ts";
import { toEvent, toQuality } from "./event-mapping.ts";

/** Events a response stream takes at a time: small, because each is a message of its own. */
const batchEvents = 64;

export interface SubscribeHandlerOptions {
  readonly bus: EventBus;
  readonly settings: HearingLimits;
  readonly streamEnds: StreamEnds;
  readonly gatekeeper: Pick<Gatekeeper, "holdStream">;
  readonly logger: Logger;
}

/** Serves `BridgeService.Subscribe`: a subscriber without a session. */
export function createSubscribeHandler(options: SubscribeHandlerOptions) {
  return async function* subscribe(
    request: SubscribeRequest,
    context: HandlerContext,
  ): AsyncGenerator<SubscribeResponse> {
    const wakeup = new Wakeup();
    let ended: LoomError | undefined;
    const wake = (): void => wakeup.wake();
    const end = (error: LoomError): void => {
      ended ??= error;
      wake();
    };
    const subscriber: Subscriber = {
      name: "",
      entries: new Map(),
      onReady: wake,
      onStall: end,
    };
    let subscription: BusSubscription | undefined;
    const stop: (() => void)[] = [];
    context.signal.addEventListener("abort", wake);
    try {
      const { filters, eventTypes } = request;
      const wanted = { id: 1, filters, eventTypes, quality: toQuality(request.qos), window: 0 };
      checkSubscription(wanted, [], options.settings);
      const access = accessOf(context);
      if (checkHearing(access, wanted)) subscriber.accepts = ({ topic, key = "" }) => access.mayHear(topic, key);
      stop.push(options.gatekeeper.holdStream(access, { end, changed: () => end(rightsChanged()) }));
      stop.push(options.streamEnds.add(end));
      subscription = options.bus.subscribe(subscriber, wanted);
      yield create(SubscribeResponseSchema, { delivery: { case: "subscribed", value: {} } });
      for (;;) {
        if (ended !== undefined) throw ended;
        if (context.signal.aborted) throw abortReason(context.signal);
        const taken = subscription.take(batchEvents, limits.messageBytes);
        if (taken.length === 0) await wakeup.wait();
        for (const batch of taken) yield* fromTaken(batch);
      }
    } catch (error) {
      throw toConnectError(error, options.logger);
    } finally {
      context.signal.removeEventListener("abort", wake);
      for (const each of stop) each();
      if (subscription !== undefined) options.bus.unsubscribe(subscriber, subscription);
    }
  };
}

function* fromTaken({ gap, firstSequence, events }: Taken): Generator<SubscribeResponse> {
  if (gap !== undefined) {
    const value = {
      subscription: 0,
      firstSequence: BigInt(gap.first),
      lastSequence: BigInt(gap.last),
      reason: gapReasons[gap.reason],
    };
    yield create(SubscribeResponseSchema, { delivery: { case: "gap", value } });
  }
  for (const [index, event] of events.entries()) {
    const { topic, sender } = event;
    const value = { topic, sender, event: toEvent(event), sequence: BigInt(firstSequence + index) };
    yield create(SubscribeResponseSchema, { delivery: { case: "event", value } });
  }
}
