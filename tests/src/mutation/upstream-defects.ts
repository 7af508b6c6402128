import { create, fromBinary } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import {
  ActionService,
  type ClientEvent,
  EventSchema,
  MemoryService,
  type SavePlanRequest,
  SavePlanResponseSchema,
  type ToolCall,
  ToolResultSchema,
  ToolStatus,
} from "@loom-bridge/protocol/messages";
import type { Defect } from "./defect.ts";
import type { TamperedStream } from "./tamper.ts";

/** The ten bugs of the bridge that this protocol comes from. */
export const upstreamDefects: readonly Defect[] = [
  {
    name: "an agent may speak for another",
    create: () => ({
      onDelivery(delivery) {
        if (delivery.delivery.case !== "eventBatch") return [delivery];
        for (const routed of delivery.delivery.value.events) {
          routed.sender = fromBinary(EventSchema, routed.event).metadata["sender"] ?? routed.sender;
        }
        return [delivery];
      },
    }),
  },
  {
    name: "a second stream of an agent replaces the first, which is not told",
    create: () => ({ onEnd: (_, error) => ConnectError.from(error).code !== Code.Aborted }),
  },
  {
    name: "the end of an agent's older stream takes the subscriptions of the newer one",
    create() {
      const newest = new Map<string, TamperedStream>();
      return {
        onEvent(event, stream) {
          if (event.event.case === "register") newest.set(stream.agentId, stream);
          return [event];
        },
        onEnd(stream) {
          const newer = newest.get(stream.agentId);
          if (newer !== stream) newer?.sayToBridge({ case: "unsubscribe", value: { id: 1 } });
          return true;
        },
      };
    },
  },
  {
    name: "a stream may be silent for ever",
    options: { registerTimeoutMs: 2 ** 31 - 1 },
    create: () => ({}),
  },
  {
    name: "the result of a publish is dropped",
    create: () => ({ onDelivery: (delivery) => (delivery.delivery.case === "receiptBatch" ? [] : [delivery]) }),
  },
  {
    name: "any agent may answer any call",
    create() {
      const asked = new Map<number, TamperedStream>();
      return {
        onDelivery(delivery, stream) {
          if (delivery.delivery.case === "toolRequest") asked.set(delivery.delivery.value.ref, stream);
          return [delivery];
        },
        onEvent(event, stream) {
          if (event.event.case !== "toolResponse") return [event];
          const provider = asked.get(event.event.value.ref);
          if (provider !== stream) provider?.sayToBridge(event.event);
          return [event];
        },
      };
    },
  },
  {
    name: "the time of a call is ignored",
    create: () => ({
      onEvent(event) {
        if (event.event.case === "toolRequest" && event.event.value.call !== undefined) {
          event.event.value.call.timeoutMs = 0;
        }
        return [event];
      },
      async onCall({ name, input, ask }) {
        if (name !== "forwardToolCall") return undefined;
        return create(
          ToolResultSchema,
          await ask(ActionService.method.forwardToolCall, { ...(input as ToolCall), timeoutMs: 0 }),
        );
      },
    }),
  },
  {
    name: "a publisher that waits for a full queue is not listened to",
    create() {
      const waiting = new Map<TamperedStream, { unanswered: number; held: ClientEvent[] }>();
      return {
        onEvent(event, stream) {
          const state = waiting.get(stream) ?? { unanswered: 0, held: [] };
          waiting.set(stream, state);
          if (event.event.case === "publishBatch") state.unanswered += event.event.value.items.length;
          else if (state.unanswered > 0) state.held.push(event);
          return event.event.case === "publishBatch" || state.unanswered === 0 ? [event] : [];
        },
        onDelivery(delivery, stream) {
          const state = waiting.get(stream);
          if (delivery.delivery.case !== "receiptBatch" || state === undefined) return [delivery];
          for (const { count } of delivery.delivery.value.receipts) state.unanswered -= count;
          if (state.unanswered === 0) stream.toBridge.put(...state.held.splice(0));
          return [delivery];
        },
      };
    },
  },
  {
    name: "a plan is looked for, and then saved",
    create: () => ({
      async onCall({ name, input, ask }) {
        const request = input as SavePlanRequest;
        if (name !== "savePlan" || !request.onlyIfNew) return undefined;
        const { sessionId, plan, timeWindowSec } = request;
        const { isDuplicate } = await ask(MemoryService.method.checkDuplicate, {
          sessionId,
          timeWindowSec,
          ...(plan === undefined ? {} : { plan }),
        });
        if (isDuplicate) return create(SavePlanResponseSchema, { success: false });
        return ask(MemoryService.method.savePlan, { ...request, onlyIfNew: false });
      },
    }),
  },
  {
    name: "an empty result means success",
    create: () => ({
      onEvent(event) {
        if (event.event.case !== "toolResponse") return [event];
        const response = event.event.value;
        response.result ??= create(ToolResultSchema);
        if (response.result.status === ToolStatus.TOOL_OK) delete response.result.error;
        return [event];
      },
    }),
  },
];
