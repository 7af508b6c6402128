import type { WriteStream } from "node:tty";

export interface Progress {
  /** Shows how far the work is. */
  show(done: number, text: string): void;
  /** Shows the end, and leaves the line to what comes next. */
  finish(text: string): void;
}

const barWidth = 30;

/** One line that changes on a terminal; elsewhere a line for every tenth of the work. */
export function createProgress(total: number, output: WriteStream | NodeJS.WriteStream = process.stdout): Progress {
  let tenths = 0;
  const line = (done: number, text: string): string => {
    const percent = `${Math.floor((100 * done) / total)}`.padStart(3);
    const filled = Math.round((barWidth * done) / total);
    return `  ${"█".repeat(filled)}${"░".repeat(barWidth - filled)} ${percent} %  ${text}`;
  };
  return {
    show(done, text) {
      if (output.isTTY) {
        output.write(`\r${line(done, text)}\x1b[K`);
      } else if (Math.floor((10 * done) / total) > tenths) {
        tenths = Math.floor((10 * done) / total);
        output.write(`${line(done, text)}\n`);
      }
    },
    finish(text) {
      if (output.isTTY) output.write(`\r${line(total, text)}\x1b[K\n`);
    },
  };
}
