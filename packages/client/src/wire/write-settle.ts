import type { EventSettle, Settlement } from "@loom-bridge/protocol/messages";
import { blockBytes, type EnvelopeWriter, varintBytes } from "@loom-bridge/protocol/wire";

const eventSettleTag = 0x62;
const tags = { subscription: 0x08, settlement: 0x12, sequence: 0x08, verdict: 0x10, delayMs: 0x18 } as const;
const maxUint32 = 2 ** 32 - 1;
const maxInt32 = 2 ** 31 - 1;

/** Writes settlements as protobuf-es would. Returns false, and writes nothing, where one is unusual or has a reason. */
export function writeSettle(writer: EnvelopeWriter, { subscription, settlements, $unknown }: EventSettle): boolean {
  const isNumber = Number.isInteger(subscription) && subscription > 0 && subscription <= maxUint32;
  if (!isNumber || $unknown !== undefined || !settlements.every(isUsual)) return false;
  let bytes = 1 + varintBytes(subscription);
  for (const settlement of settlements) bytes += blockBytes(settlementBytes(settlement));
  writer.begin(blockBytes(bytes));
  writer.byte(eventSettleTag);
  writer.varint(bytes);
  writer.byte(tags.subscription);
  writer.varint(subscription);
  for (const settlement of settlements) writeSettlement(writer, settlement);
  return true;
}

function isUsual({ sequence, verdict, delayMs, reason, $unknown }: Settlement): boolean {
  const isNumbered = sequence > 0n && sequence <= BigInt(Number.MAX_SAFE_INTEGER);
  const isDelay = Number.isInteger(delayMs) && delayMs >= 0 && delayMs <= maxInt32;
  return isNumbered && isDelay && verdict > 0 && verdict < 0x80 && reason === "" && $unknown === undefined;
}

/** A delay of 0 is left out. */
function settlementBytes({ sequence, delayMs }: Settlement): number {
  return 1 + varintBytes(Number(sequence)) + 2 + (delayMs === 0 ? 0 : 1 + varintBytes(delayMs));
}

function writeSettlement(writer: EnvelopeWriter, settlement: Settlement): void {
  const { sequence, verdict, delayMs } = settlement;
  writer.byte(tags.settlement);
  writer.varint(settlementBytes(settlement));
  writer.byte(tags.sequence);
  writer.varint(Number(sequence));
  writer.byte(tags.verdict);
  writer.byte(verdict);
  if (delayMs === 0) return;
  writer.byte(tags.delayMs);
  writer.varint(delayMs);
}
