import type { Usage } from "./usage.ts";

/** What may be added between the first and the last third of the samples: noise, and nothing that a leak stays under. */
const allowed = { heapBytes: 4 * 1_048_576, rssBytes: 24 * 1_048_576 } as const;
const minSamples = 9;

/** Whether a process that does the same all the time takes more and more memory. */
export class MemoryWatch {
  readonly #name: string;
  readonly #samples: Usage[] = [];

  constructor(name: string) {
    this.#name = name;
  }

  add(usage: Usage): void {
    this.#samples.push(usage);
  }

  /** The growth of its median from the first third to the last, and what of it is too much. */
  judge(): { readonly line: string; readonly problems: readonly string[] } {
    const count = this.#samples.length;
    if (count < minSamples) {
      return {
        line: `${this.#name}: memory is not judged, for there are ${count} samples of ${minSamples}`,
        problems: [],
      };
    }
    const problems: string[] = [];
    const parts = (["heapBytes", "rssBytes"] as const).map((kind) => {
      const values = this.#samples.map((usage) => usage[kind]);
      const third = Math.floor(count / 3);
      const [first, last] = [median(values.slice(0, third)), median(values.slice(-third))];
      const part = `${kind.replace("Bytes", "")} ${megabytes(first)} → ${megabytes(last)} MiB`;
      if (last - first > allowed[kind]) {
        problems.push(`${this.#name} grows: ${part}, and ${megabytes(allowed[kind])} MiB more are allowed`);
      }
      return part;
    });
    return { line: `${this.#name}: ${parts.join(", ")}, medians of ${count} samples`, problems };
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0;
}

function megabytes(bytes: number): string {
  return (bytes / 1_048_576).toFixed(1);
}
