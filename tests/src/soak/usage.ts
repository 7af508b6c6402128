import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** What a process holds when garbage was collected. */
export interface Usage {
  readonly heapBytes: number;
  readonly rssBytes: number;
  /** TCP handles: connections, and what listens. */
  readonly sockets: number;
}

export function measureUsage(): Usage {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  // The second one finds what the first one's finalizers let go.
  collect();
  collect();
  const { heapUsed, rss } = process.memoryUsage();
  const sockets = process.getActiveResourcesInfo().filter((kind) => kind.startsWith("TCP")).length;
  return { heapBytes: heapUsed, rssBytes: rss, sockets };
}
