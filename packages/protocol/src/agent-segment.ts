/**
 * An agent's id, or another name, as one segment of a topic: what a segment cannot hold, and `:`, becomes `:` and two
 * hexadecimal digits a byte, so that no two names share a segment.
 */
export function agentSegment(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9_-]/gu, (character) =>
    Array.from(Buffer.from(character), (byte) => `:${byte.toString(16).padStart(2, "0")}`).join(""),
  );
}
