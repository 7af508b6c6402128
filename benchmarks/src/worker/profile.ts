import { writeFile } from "node:fs/promises";
import { type Profiler, Session } from "node:inspector/promises";

let session: Session | undefined;

/** Starts what `node --cpu-prof` does, so that a profile has the measured part and nothing else. */
export async function startProfile(): Promise<void> {
  session = new Session();
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.setSamplingInterval", { interval: 500 });
  await session.post("Profiler.start");
}

/** Writes the profile to a file that Chrome's and VS Code's viewers open. */
export async function stopProfile(file: string): Promise<void> {
  if (session === undefined) throw new Error("no profile was started");
  const { profile } = (await session.post("Profiler.stop")) as { profile: Profiler.Profile };
  session.disconnect();
  session = undefined;
  await writeFile(file, JSON.stringify(profile));
}
