import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** The root of the repository. */
export const root: string = join(import.meta.dirname, "../../..");

/** The pages whose programs are run and whose links are followed. */
export function pageNames(): string[] {
  const patterns = [
    "README.md",
    "packages/*/README.md",
    "docs/guide/*.md",
    "docs/reference/errors.md",
    "docs/security.md",
    "SECURITY.md",
  ];
  return globSync(patterns, { cwd: root }).sort();
}

export interface Block {
  /** The first word after the fence, for example "ts". */
  readonly language: string;
  /** The rest of that line. */
  readonly info: string;
  readonly text: string;
  /** Where it begins, for example "README.md:12". */
  readonly place: string;
}

/** Reads the fenced blocks of a page. */
export function readBlocks(page: string): Block[] {
  const blocks: Block[] = [];
  let open: { language: string; info: string; lines: string[]; place: string } | undefined;
  for (const [index, line] of readPage(page).split("\n").entries()) {
    const fence = /^```(\S*) *(.*)$/.exec(line);
    if (open === undefined && fence !== null) {
      const [, language = "", info = ""] = fence;
      open = { language, info, lines: [], place: `${page}:${index + 1}` };
    } else if (open !== undefined && line === "```") {
      const { lines, ...block } = open;
      blocks.push({ ...block, text: lines.map((each) => `${each}\n`).join("") });
      open = undefined;
    } else {
      open?.lines.push(line);
    }
  }
  if (open !== undefined) throw new Error(`${open.place}: this block has no end`);
  return blocks;
}

/** Reads the table that follows a heading: a record of cells by column for each row, without code marks. */
export function readTable(page: string, heading: string): Record<string, string>[] {
  const lines = readPage(page).split("\n");
  const start = lines.findIndex((line) => /^#+ /.test(line) && line.replace(/^#+ /, "") === heading);
  if (start === -1) throw new Error(`${page} has no heading "${heading}"`);
  const first = lines.findIndex((line, index) => index > start && line.startsWith("|"));
  const end = lines.findIndex((line, index) => index > first && !line.startsWith("|"));
  const [columns = [], , ...rows] = lines.slice(first, end === -1 ? undefined : end).map(readRow);
  return rows.map((cells) => Object.fromEntries(columns.map((column, index) => [column, cells[index] ?? ""])));
}

function readRow(line: string): string[] {
  return line
    .split("|")
    .slice(1, -1)
    .map((cell) => cell.trim().replaceAll("`", ""));
}

/** The text of a page. */
export function readPage(page: string): string {
  return readFileSync(join(root, page), "utf8");
}
