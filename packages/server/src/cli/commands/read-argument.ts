import type { Terminal } from "../terminal.ts";

/** Text from the command line, or for "-" from the standard input. Left out, it is empty. */
export async function readArgument(terminal: Terminal, given: string | undefined): Promise<string> {
  return given === "-" ? await terminal.readInput() : (given ?? "");
}
