import { toolsChangedTopic } from "../access/access.ts";

/** A tool that kept its name and is described otherwise than before. */
export interface ToolChange {
  readonly tool: string;
  /** {@link RegisteredTool.hash}, now and before. */
  readonly hash: string;
  readonly was: string;
}

/** Remembers how tools were described, also while nobody provides them. */
export interface ToolChanges {
  /** Takes note of how a tool is described now; tells when that is not as before. */
  seen(tool: string, hash: string): void;
}

/** @param maxTools the one that was seen first is forgotten when there are more */
export function createToolChanges(maxTools: number, onChange: (change: ToolChange) => void): ToolChanges {
  const hashes = new Map<string, string>();
  return {
    seen(tool, hash) {
      const was = hashes.get(tool);
      if (was === hash) return;
      hashes.set(tool, hash);
      if (was !== undefined) return onChange({ tool, hash, was });
      const [oldest] = hashes.keys();
      if (hashes.size > maxTools && oldest !== undefined) hashes.delete(oldest);
    },
  };
}

/** What the bridge tells of it, as an event. */
export function toolChanged(change: ToolChange): {
  readonly topic: string;
  readonly type: string;
  readonly payload: ToolChange;
} {
  return { topic: toolsChangedTopic, type: "tool.changed", payload: change };
}
