import type { TestBridgeOptions } from "@loom-bridge/testing";
import type { Defective } from "./tamper.ts";

/** A bug of somebody's bridge, to be put into ours. */
export interface Defect {
  readonly name: string;
  /** How the bridge is to be made. */
  readonly options?: TestBridgeOptions;
  /** One for each bridge: what it keeps is that bridge's. `openSession` opens one that nobody ends. */
  readonly create: (openSession: (agentId: string) => void) => Defective;
}
