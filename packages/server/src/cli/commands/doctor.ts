import { diagnose } from "../doctor/diagnose.ts";
import type { Finding } from "../doctor/finding.ts";
import { exitCode } from "../exit-code.ts";
import { printable, writeJson, writeLine } from "../output.ts";
import { type ConnectionOptions, withConnection } from "../remote/connection-options.ts";
import type { Terminal } from "../terminal.ts";

export interface DoctorOptions extends ConnectionOptions {
  /** How long one step may take, in milliseconds. */
  readonly timeout: number;
  readonly tool?: string;
}

/** Finds out why agents cannot reach a bridge, or cannot work with it. */
export function doctor(terminal: Terminal, options: DoctorOptions): Promise<number> {
  const { json, timeout, tool } = options;
  return withConnection(terminal, options, async ({ target, credentials, remote }) => {
    if (!json) writeLine(terminal, `Checking ${target.origin}`);
    const { runtime } = terminal;
    let isHealthy = true;
    for await (const finding of diagnose({ target, credentials, remote, runtime, timeoutMs: timeout, tool })) {
      if (finding.status === "failed") isHealthy = false;
      if (json) writeJson(terminal, finding);
      else show(terminal, finding);
    }
    if (json) writeJson(terminal, { healthy: isHealthy, address: target.origin });
    else writeLine(terminal, isHealthy ? "All is well." : "Something is wrong; see ✘ above.");
    return isHealthy ? exitCode.ok : exitCode.failed;
  });
}

const marks = { ok: ["✔", "green"], failed: ["✘", "red"], skipped: ["–", "dim"] } as const;

function show(terminal: Terminal, { step, status, message, advice }: Finding & { readonly step: string }): void {
  const [mark, colour] = marks[status];
  writeLine(terminal, `  ${terminal.style(colour, mark)} ${step.padEnd(8)}  ${printable(message)}`);
  if (advice !== undefined) writeLine(terminal, `${" ".repeat(14)}${printable(advice)}`);
}
