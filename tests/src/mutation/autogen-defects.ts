import { Code, ConnectError } from "@connectrpc/connect";
import { ToolStatus } from "@loom-bridge/protocol/messages";
import type { Defect } from "./defect.ts";
import type { TamperedStream } from "./tamper.ts";

/** The defects D1 to D8 that were measured in AutoGen's gRPC runtime. */
export const autogenDefects: readonly Defect[] = [
  {
    name: "D1: a call of what nobody has never returns",
    create: () => ({
      onDelivery(delivery) {
        const response = delivery.delivery.case === "toolResponse" ? delivery.delivery.value : undefined;
        return response?.result?.status === ToolStatus.TOOL_NOT_FOUND ? [] : [delivery];
      },
    }),
  },
  {
    name: "D2: what kind of error it was is lost",
    create: () => ({
      onDelivery(delivery) {
        if (delivery.delivery.case !== "toolResponse") return [delivery];
        const { result } = delivery.delivery.value;
        if (result?.status === ToolStatus.TOOL_ERROR && result.error !== undefined)
          result.error.code = "EXECUTION_ERROR";
        return [delivery];
      },
    }),
  },
  {
    name: "D3: two callers with the same number get each other's answers",
    create() {
      const callers = new Map<number, TamperedStream[]>();
      return {
        onEvent(event, stream) {
          if (event.event.case === "toolRequest") {
            const { ref } = event.event.value;
            callers.set(ref, [...(callers.get(ref) ?? []), stream]);
          }
          return [event];
        },
        onDelivery(delivery) {
          if (delivery.delivery.case !== "toolResponse") return [delivery];
          callers.get(delivery.delivery.value.ref)?.shift()?.toAgent.put(delivery);
          return [];
        },
      };
    },
  },
  {
    name: "D4: giving a call up is ignored",
    create: () => ({ onEvent: (event) => (event.event.case === "toolCancel" ? [] : [event]) }),
  },
  {
    name: "D5: a call whose provider dies never returns",
    create: () => ({
      onDelivery(delivery) {
        const isLost =
          delivery.delivery.case === "toolResponse" && delivery.delivery.value.result?.error?.code === "PROVIDER_LOST";
        return isLost ? [] : [delivery];
      },
    }),
  },
  {
    name: "D6: after a restart publishes succeed and nothing is delivered",
    create() {
      const hasRestarted = watchForRestart();
      return {
        onEnd: hasRestarted.onEnd,
        onDelivery: (delivery) => (hasRestarted.is() && delivery.delivery.case === "eventBatch" ? [] : [delivery]),
      };
    },
  },
  {
    name: "D7: after a restart calls never return",
    create() {
      const hasRestarted = watchForRestart();
      return {
        onEnd: hasRestarted.onEnd,
        onDelivery: (delivery) => (hasRestarted.is() && delivery.delivery.case === "toolResponse" ? [] : [delivery]),
      };
    },
  },
  {
    name: "D8: what an agent had is never freed",
    create(openSession) {
      let registered = 0;
      return {
        onEvent(event) {
          if (event.event.case === "register") openSession(`state-${(registered += 1)}`);
          return [event];
        },
      };
    },
  },
];

function watchForRestart(): { is(): boolean; onEnd(stream: TamperedStream, error: unknown): boolean } {
  let restarted = false;
  return {
    is: () => restarted,
    onEnd(_, error) {
      restarted ||= ConnectError.from(error).code === Code.Unavailable;
      return true;
    },
  };
}
