import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { place } from "./place.ts";
import { startProfile, stopProfile } from "./profile.ts";
import type { Role, RoleContext, StartRole, WorkerMessage, WorkerRequest } from "./role.ts";
import { ownUsage } from "./usage.ts";

// The entry of every process of a benchmark: node worker.js <file of a role> <options as JSON>.
// It ends with the process that started it, which closes the channel, and ends what it has started itself.

const [file = "", options = "{}"] = process.argv.slice(2);

function send(message: WorkerMessage): void {
  if (process.connected) process.send?.(message);
}

function fail(error: unknown): void {
  send({ failure: textOf(error) });
}

function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

async function answer(id: number, work: () => unknown): Promise<void> {
  try {
    send({ id, result: await work() });
  } catch (error) {
    send({ id, error: textOf(error) });
  }
}

function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  // The second one finds what the first one's finalizers let go.
  collect();
  collect();
}

let role: Role | undefined;
const builtIn: NonNullable<Role["commands"]> = {
  usage: () => role?.usage?.() ?? ownUsage(),
  usageAfterCollection() {
    collectGarbage();
    return ownUsage();
  },
  place: (core) => place(Number(core), [process.pid, ...(role?.pid === undefined ? [] : [role.pid])]),
  startProfile,
  stopProfile: (target) => stopProfile(String(target)),
  async close() {
    await role?.close();
    // The answer first. A library that holds a handle must not keep the benchmark.
    setImmediate(() => process.exit(0));
  },
};

process.once("disconnect", () => process.exit(0));
// It may have been closed before this line ran.
if (!process.connected) process.exit(0);
// Ctrl-C reaches the whole group; the starter decides when its workers end.
process.on("SIGINT", () => {});
process.on("uncaughtException", fail);
process.on("unhandledRejection", fail);
process.on("message", ({ id, command, argument }: WorkerRequest) => {
  void answer(id, () => {
    const run = builtIn[command] ?? role?.commands?.[command];
    if (run === undefined) throw new Error(`this process knows no command ${command}`);
    return run(argument);
  });
});

void answer(0, async () => {
  const { start } = (await import(file)) as { start: StartRole<unknown> };
  const context: RoleContext = { fail };
  role = await start(JSON.parse(options), context);
  return role.ready;
});
