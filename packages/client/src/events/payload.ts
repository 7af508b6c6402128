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

export function decodeText(payload: Uint8Array): string {
  return decoder.decode(payload);
}
