import type { DescEnum } from "@bufbuild/protobuf";
import type { Terminal } from "./terminal.ts";

/** Writes one value as one line of JSON. */
export function writeJson(terminal: Terminal, value: unknown): void {
  terminal.write(`${JSON.stringify(value)}\n`);
}

/** Writes one line for people. */
export function writeLine(terminal: Terminal, line = ""): void {
  terminal.write(`${line}\n`);
}

/** Makes control characters visible: what others wrote must not steer the reader's terminal. */
export function printable(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, (character) =>
    character === "\t" ? character : `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** An enum's value as the documentation writes it: `drop-oldest`. */
export function enumName(schema: DescEnum, value: number): string {
  return (schema.value[value]?.localName ?? String(value)).toLowerCase().replaceAll("_", "-");
}

/** Writes rows in aligned columns under a heading. */
export function writeTable(terminal: Terminal, heading: readonly string[], rows: readonly (readonly string[])[]): void {
  const shown = rows.map((row) => row.map(printable));
  const widths = heading.map((title, column) =>
    Math.max(title.length, ...shown.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd();
  writeLine(terminal, terminal.style("bold", line(heading)));
  for (const row of shown) writeLine(terminal, line(row));
}

/** A duration in its largest whole unit. */
export function briefDuration(durationMs: number): string {
  const seconds = Math.max(0, Math.round(durationMs / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}
