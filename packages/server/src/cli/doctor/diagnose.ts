import { checkBridge } from "./check-bridge.ts";
import { checkMemory } from "./check-memory.ts";
import { checkName } from "./check-name.ts";
import { checkPort } from "./check-port.ts";
import { checkProtocol } from "./check-protocol.ts";
import { checkStream } from "./check-stream.ts";
import { checkTools } from "./check-tools.ts";
import { type Finding, type Patient, skipped } from "./finding.ts";

interface Check {
  readonly step: string;
  readonly run: (patient: Patient) => Promise<Finding>;
  /** Whether later steps make no sense when this one fails. */
  readonly isBasis: boolean;
}

const checks: readonly Check[] = [
  { step: "name", run: checkName, isBasis: true },
  { step: "port", run: checkPort, isBasis: true },
  { step: "protocol", run: checkProtocol, isBasis: true },
  { step: "bridge", run: checkBridge, isBasis: true },
  { step: "memory", run: checkMemory, isBasis: false },
  { step: "stream", run: checkStream, isBasis: false },
  { step: "tools", run: checkTools, isBasis: false },
];

/** Tries what an agent does, one step after the other, and tells what each found. */
export async function* diagnose(patient: Patient): AsyncGenerator<Finding & { readonly step: string }> {
  let broken: string | undefined;
  for (const { step, run, isBasis } of checks) {
    const finding = broken === undefined ? await run(patient) : skipped(`not tried, because of ${broken}`);
    if (isBasis && finding.status === "failed") broken = step;
    yield { step, ...finding };
  }
}
