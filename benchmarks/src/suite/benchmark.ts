import type { Lab } from "../harness/lab.ts";
import type { Report } from "../report/report.ts";

export interface Benchmark {
  readonly name: string;
  /** What it does, for the list of benchmarks. */
  readonly summary: string;
  /** How many rounds it has unless told otherwise. Default: 5. */
  readonly runs?: number;
  run(lab: Lab): Promise<Report>;
}
