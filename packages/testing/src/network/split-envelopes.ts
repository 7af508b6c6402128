const prefixBytes = 5;

/**
 * Splits what was written at once into messages, each behind its prefix of flags and length. Writers in this process
 * write whole messages. https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#requests
 */
export function splitEnvelopes(chunk: Uint8Array): Uint8Array[] {
  const messages: Uint8Array[] = [];
  const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  for (let at = 0; at < chunk.length; ) {
    const end = at + prefixBytes + view.getUint32(at + 1);
    // A copy, as a network makes one. A Buffer's own `slice` makes none.
    messages.push(new Uint8Array(chunk.subarray(at + prefixBytes, end)));
    at = end;
  }
  return messages;
}

/** Puts the prefix before a message. */
export function toEnvelope(message: Uint8Array): Uint8Array {
  const envelope = new Uint8Array(prefixBytes + message.length);
  new DataView(envelope.buffer).setUint32(1, message.length);
  envelope.set(message, prefixBytes);
  return envelope;
}
