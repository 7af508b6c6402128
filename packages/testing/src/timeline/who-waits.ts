import type { PublishBatch, ReceiptBatch, ToolCancel, ToolRequest, ToolResponse } from "@loom-bridge/protocol/messages";
import type { Frame } from "../network/frame.ts";

/** Who waits for whom, as far as the messages show: one line each. */
export function whoWaits(frames: readonly Frame[], openCalls: ReadonlySet<number>): string[] {
  const open = new Map<string, string>();
  for (const frame of frames) {
    if (!openCalls.has(frame.call)) continue;
    const { link, call, direction, body, kind } = frame;
    const lost = frame.outcome === "" ? "" : ` (the message: ${frame.outcome})`;
    switch (body?.$typeName) {
      case "loom.bridge.v1.ToolRequest": {
        const request = body as ToolRequest;
        const who = direction === "up" ? `${link} waits for the bridge` : `the bridge waits for ${link}`;
        open.set(`${direction} ${call} call ${request.ref}`, `${who} to answer ${request.call?.name}${lost}`);
        break;
      }
      case "loom.bridge.v1.ToolResponse":
        open.delete(`${opposite(direction)} ${call} call ${(body as ToolResponse).ref}`);
        break;
      case "loom.bridge.v1.ToolCancel":
        open.delete(`${direction} ${call} call ${(body as ToolCancel).ref}`);
        break;
      case "loom.bridge.v1.PublishBatch": {
        const { firstRef, items } = body as PublishBatch;
        if (firstRef === 0n) break;
        for (const [index, { topic }] of items.entries()) {
          open.set(`${call} publish ${firstRef + BigInt(index)}`, `${link} waits for the receipt of ${topic}${lost}`);
        }
        break;
      }
      case "loom.bridge.v1.ReceiptBatch":
        for (const { ref, count } of (body as ReceiptBatch).receipts) {
          for (let index = 0; index < count; index += 1) open.delete(`${call} publish ${ref + BigInt(index)}`);
        }
        break;
      default:
        if (frame.method.name === "stream") break;
        if (direction === "up") open.set(`${call}`, `${link} waits for the bridge to answer ${kind}${lost}`);
        else open.delete(`${call}`);
    }
  }
  return [...open.values()];
}

function opposite(direction: Frame["direction"]): Frame["direction"] {
  return direction === "up" ? "down" : "up";
}
