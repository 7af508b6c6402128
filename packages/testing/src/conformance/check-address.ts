import { readFileSync } from "node:fs";
import { createClient } from "@connectrpc/connect";
import { BridgeService } from "@loom-bridge/protocol/messages";
import { type CheckReport, checkBridge } from "../model/check-bridge.ts";
import { createAddressTarget } from "./address-target.ts";
import type { ConformanceOptions } from "./options.ts";

/** What the command found, as `--json` prints it. */
export interface ConformanceReport extends Omit<CheckReport, "broken"> {
  readonly address: string;
  /** What the bridge calls itself. */
  readonly bridge: string;
  readonly kept: boolean;
  readonly broken?: { readonly promise: string; readonly message: string; readonly commands: readonly string[] };
}

/** @throws whatever keeps the bridge from answering at all. */
export async function checkAddress(
  { address, runs, seed, token, ca }: ConformanceOptions,
  onRun: (run: number) => void,
): Promise<ConformanceReport> {
  const options = {
    ...(token === undefined ? {} : { token }),
    ...(ca === undefined ? {} : { ca: readFileSync(ca, "utf8") }),
  };
  const client = createClient(BridgeService, createAddressTarget(address, options).transport("conformance"));
  const { name, version, agents } = await client.getInfo({}, { timeoutMs: 10_000 });
  if (agents > 0) throw new Error(`${agents} agents are connected to ${address}; a bridge is judged alone`);
  const { broken, ...report } = await checkBridge({
    createTarget: () => createAddressTarget(address, options),
    runs,
    seed,
    shrink: false,
    onRun,
  });
  const facts = { ...report, address, bridge: `${name} ${version}`, kept: broken === undefined };
  if (broken === undefined) return facts;
  const { promise, message, commands } = broken;
  return { ...facts, broken: { promise, message, commands } };
}
