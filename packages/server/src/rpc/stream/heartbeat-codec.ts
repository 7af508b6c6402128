import { type EnvelopeWriter, varintBytes, WireReader } from "@loom-bridge/protocol/wire";

const heartbeatTag = 0x1a;
const heartbeatAckTag = 0x5a;
const times = { timestampMs: 0x08, bridgeTimestampMs: 0x10 } as const;

/**
 * Reads the time of a heartbeat, which is all that most agents say. Returns nothing for every other message, and for a
 * heartbeat that is invalid or written in an unusual way: that is for protobuf-es.
 */
export function readHeartbeat(message: Uint8Array): number | undefined {
  if (message[0] !== heartbeatTag) return undefined;
  const reader = new WireReader(message, 1);
  if (reader.block() !== message.length) return undefined;
  if (reader.blockStart === message.length) return 0;
  reader.at = reader.blockStart;
  if (reader.bytes[reader.at++] !== times.timestampMs) return undefined;
  const timestampMs = reader.varint();
  return timestampMs < 0 || reader.at !== message.length ? undefined : timestampMs;
}

/** Writes `Delivery{heartbeat_ack}` as protobuf-es would. Returns false, and writes nothing, for a time before 1970. */
export function writeHeartbeatAck(writer: EnvelopeWriter, timestampMs: number, bridgeTimestampMs: number): boolean {
  if (timestampMs < 0 || bridgeTimestampMs < 0) return false;
  const bytes = timeBytes(timestampMs) + timeBytes(bridgeTimestampMs);
  writer.begin(2 + bytes);
  writer.byte(heartbeatAckTag);
  writer.byte(bytes);
  writeTime(writer, times.timestampMs, timestampMs);
  writeTime(writer, times.bridgeTimestampMs, bridgeTimestampMs);
  return true;
}

/** A number that is 0 is left out. */
function timeBytes(timeMs: number): number {
  return timeMs === 0 ? 0 : 1 + varintBytes(timeMs);
}

function writeTime(writer: EnvelopeWriter, tag: number, timeMs: number): void {
  if (timeMs === 0) return;
  writer.byte(tag);
  writer.varint(timeMs);
}
