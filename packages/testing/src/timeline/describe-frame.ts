import { type DescMessage, toJson } from "@bufbuild/protobuf";
import {
  type ReceiptBatch,
  type Register,
  type ToolRequest,
  type ToolResponse,
  ToolStatus,
} from "@loom-bridge/protocol/messages";
import type { Frame } from "../network/frame.ts";

const maxText = 160;

/** What a message says, in one line. */
export function describeFrame(frame: Frame): string {
  const { kind, body } = frame;
  if (body === undefined) return `${frame.method.name}: ${frame.bytes.length} bytes that are no message`;
  const { events } = frame;
  if (events.length > 0) return `${kind} ${listOf(events.map(describeEvent))}`;
  switch (body.$typeName) {
    case "loom.bridge.v1.Register": {
      const { agentId, topics, subscriptions, tools } = body as Register;
      const filters = [...topics, ...subscriptions.flatMap((subscription) => subscription.filters)];
      return `register ${agentId}, topics [${filters.join(" ")}], tools [${tools.map(({ name }) => name).join(" ")}]`;
    }
    case "loom.bridge.v1.ToolRequest": {
      const { ref, call, caller } = body as ToolRequest;
      const from = caller === "" ? "" : ` from ${caller}`;
      return `call ${ref}${from}: ${call?.name} ${cut(call?.arguments ?? "")}, ${call?.timeoutMs || 30_000} ms`;
    }
    case "loom.bridge.v1.ToolResponse": {
      const { ref, result } = body as ToolResponse;
      const text = result?.error === undefined ? result?.output : `${result.error.code}: ${result.error.message}`;
      return `result ${ref}: ${nameOf(result?.status)} ${cut(text ?? "")}`;
    }
    case "loom.bridge.v1.ReceiptBatch":
      return `receipts ${listOf(describeReceipts(body as ReceiptBatch))}`;
    default:
      return `${kind} ${cut(json(frame))}`;
  }
}

function describeEvent({ topic, event }: Frame["events"][number]): string {
  return event === undefined ? topic : `${topic} ${JSON.stringify(event.type)} ${cut(textOf(event.payload))}`;
}

function describeReceipts({ receipts }: ReceiptBatch): string[] {
  return receipts.map(({ ref, count, matched, queued, error, duplicate }) => {
    const result = error === undefined ? `matched ${matched}, queued ${queued}` : `${error.code}: ${error.message}`;
    return `${ref}${count > 1 ? `–${ref + BigInt(count - 1)}` : ""}: ${result}${duplicate ? ", again" : ""}`;
  });
}

/** The message as JSON, the case of a stream's message left out. */
function json({ message, direction, method }: Frame): string {
  const schema = (direction === "up" ? method.input : method.output) as DescMessage;
  const text = JSON.stringify(message === undefined ? {} : toJson(schema, message));
  return /^\{"\w+":(\{.*\})\}$/.exec(text)?.[1] ?? text;
}

function nameOf(status: ToolStatus = ToolStatus.TOOL_OK): string {
  return Object.entries(ToolStatus).find(([, number]) => number === status)?.[0] ?? `status ${status}`;
}

function textOf(payload: Uint8Array): string {
  const text = Buffer.from(payload).toString("utf8");
  return /[^\P{Cc}\s]|\uFFFD/u.test(text) ? `${payload.length} bytes` : text;
}

function listOf(parts: readonly string[]): string {
  const more = parts.length > 3 ? `, and ${parts.length - 3} more` : "";
  return parts.slice(0, 3).join("; ") + more;
}

function cut(text: string): string {
  return text.length <= maxText ? text : `${text.slice(0, maxText)}…`;
}
