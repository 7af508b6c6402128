import type { LoomError } from "@loom-bridge/protocol";

/** The streams that have no session, so that the bridge can end them too. */
export interface StreamEnds {
  /**
   * Adds how to end a stream, and returns how to take it out.
   * @throws LoomError the reason, when the bridge is ending its streams.
   */
  add(end: (error: LoomError) => void): () => void;
  /** Ends them all, and refuses more. Only the first reason counts. */
  close(error: LoomError): void;
}

export function createStreamEnds(): StreamEnds {
  const ends = new Set<(error: LoomError) => void>();
  let closed: LoomError | undefined;
  return {
    add(end) {
      if (closed !== undefined) throw closed;
      ends.add(end);
      return () => void ends.delete(end);
    },
    close(error) {
      closed ??= error;
      for (const end of ends) end(closed);
      ends.clear();
    },
  };
}
