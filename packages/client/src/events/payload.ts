import { LoomError } from "@loom-bridge/protocol";

/** What an event can carry: bytes as they are, a string as UTF-8, anything else as JSON. */
export type Payload = Uint8Array | string | number | boolean | null | object;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

const noBytes: Uint8Array<ArrayBuffer> = new Uint8Array();

/**
 * The bytes of a payload; those of bytes are the same ones.
 * @throws LoomError `invalid_argument` when the value cannot be written as JSON
 */
export function encodePayload(payload: Payload | undefined): Uint8Array {
  if (payload === undefined) return noBytes;
  if (payload instanceof Uint8Array) return payload;
  if (typeof payload === "string") return encoder.encode(payload);
  let json: string | undefined;
  try {
    json = JSON.stringify(payload);
  } catch (cause) {
    throw new LoomError("invalid_argument", "payload cannot be written as JSON", {
      cause,
      details: { field: "payload" },
    });
  }
  return encoder.encode(json ?? "null");
}

/** A copy that lies, if it is small, in Node's pool for buffers: an allocation of its own costs ten times as much. */
export function copyBytes(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer, byteOffset } = Buffer.allocUnsafe(bytes.length);
  const copy = new Uint8Array(buffer, byteOffset, bytes.length);
  copy.set(bytes);
  return copy;
}

export function decodeText(payload: Uint8Array): string {
  return decoder.decode(payload);
}
