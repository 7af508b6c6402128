import { join } from "node:path";
import type { Lab } from "./lab.ts";
import type { Worker } from "./workers.ts";

/** Does something, and where profiles are wanted makes one of each worker meanwhile, in files named after both. */
export async function profileWorkers<Result>(
  { settings }: Lab,
  name: string | undefined,
  workers: readonly Worker[],
  work: () => Promise<Result>,
): Promise<Result> {
  const folder = settings.profileFolder;
  if (folder === undefined || name === undefined) return await work();
  await Promise.all(workers.map((worker) => worker.call("startProfile")));
  const result = await work();
  const fileOf = (worker: Worker): string => join(folder, `${name}-${worker.name}.cpuprofile`);
  await Promise.all(workers.map((worker) => worker.call("stopProfile", fileOf(worker), 60_000)));
  return result;
}
