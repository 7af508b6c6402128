import { isMet, type Ratio, type Report } from "./report.ts";
import type { Spread } from "./statistics.ts";

/** A report as Markdown, which also reads well in a terminal. */
export function renderReport(report: Report): string {
  const header = ["", ...report.columns.map(({ title }) => title)];
  const body = report.rows.map(({ label, values }) => [
    label,
    ...report.columns.map(({ key, digits = 0 }) => renderSpread(values[key], digits)),
  ]);
  const parts = [report.what, renderTable([header, ...body])];
  if (report.skipped.length > 0) parts.push(report.skipped.map((line) => `Skipped: ${line}.`).join("\n"));
  if (report.ratios.length > 0) {
    parts.push(renderTable([["", "today", "target", ""], ...report.ratios.map(renderRatio)]));
  }
  return parts.join("\n\n");
}

function renderSpread(spread: Spread | undefined, digits: number): string {
  if (spread === undefined) return "–";
  const { median, min, max } = spread;
  const shown = number(median, digits);
  return min === max ? shown : `${shown} (${number(min, digits)}–${number(max, digits)})`;
}

function renderRatio(ratio: Ratio): string[] {
  const { what, value, digits, target } = ratio;
  const met = isMet(ratio);
  const goal = target === undefined ? "" : `${target.kind === "at least" ? "≥" : "≤"} ${number(target.value)}`;
  return [what, number(value, digits), goal, met === undefined ? "" : met ? "met" : "not met"];
}

function number(value: number, digits?: number): string {
  const fraction =
    digits === undefined
      ? { maximumFractionDigits: 2 }
      : { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return value.toLocaleString("en", fraction).replaceAll(",", "\u202f");
}

function renderTable(lines: readonly (readonly string[])[]): string {
  const widths = (lines[0] ?? []).map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0), 3));
  const render = (line: readonly string[]): string =>
    `| ${line.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))).join(" | ")} |`;
  const rule = `| ${widths.map((width, column) => (column === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`)).join(" | ")} |`;
  const [header = [], ...rows] = lines;
  return [render(header), rule, ...rows.map(render)].join("\n");
}
