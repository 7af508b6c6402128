import { readFileSync, writeFileSync } from "node:fs";
import { type Host, renderHost } from "./host.ts";
import { renderReport } from "./render.ts";
import type { Report } from "./report.ts";

const file = new URL("../../../docs/benchmarks.md", import.meta.url);

/** Puts a report into the page, in the place of the last one of its name. */
export function writeReport(report: Report, host: Host, how: string): void {
  const text = readFileSync(file, "utf8");
  const note = `Measured on ${new Date().toISOString().slice(0, 10)}, ${how}, on ${renderHost(host)}.`;
  writeFileSync(file, replaceSection(text, report.name, `${renderReport(report)}\n\n${note}`));
}

function replaceSection(text: string, name: string, content: string): string {
  const begin = `<!-- bench: ${name} -->`;
  const end = `<!-- end: ${name} -->`;
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from < 0 || to < from) throw new Error(`docs/benchmarks.md has no place for ${name}; add ${begin} and ${end}`);
  return `${text.slice(0, from + begin.length)}\n\n${content}\n\n${text.slice(to)}`;
}
