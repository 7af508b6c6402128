import { run } from "./run.ts";
import { createProcessTerminal } from "./terminal.ts";

/** Something that holds the process open after its work is done is cut after this time. */
const lingerMs = 1000;

/** Runs the command of this process, and lets the process end with its exit code. */
export async function runProcess(): Promise<void> {
  const terminal = createProcessTerminal();
  process.exitCode = await run(process.argv.slice(2), terminal);
  terminal.runtime.setTimer(() => terminal.exit(Number(process.exitCode)), lingerMs);
}
