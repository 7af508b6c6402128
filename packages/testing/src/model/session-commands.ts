import { createClient } from "@connectrpc/connect";
import { AgentService } from "@loom-bridge/protocol/messages";
import type { BridgeModel } from "./bridge-model.ts";
import { expectKept } from "./broken-promise.ts";
import { type BridgeCommand, command, idOf, mustBecome, type Real, sessionOf } from "./command.ts";
import { WireSession } from "./wire-session.ts";

/** How many events a session may have under way: more than a run publishes. */
const window = 100_000;

async function open(real: Real, agent: number, filters: readonly string[], tools: readonly string[]): Promise<void> {
  const session = new WireSession(real.target.transport(idOf(agent)), idOf(agent));
  real.opened.push(session);
  const subscriptions = filters.length === 0 ? [] : [{ id: 1, filters: [...filters], window }];
  session.register({ subscriptions, tools: tools.map((name) => ({ name })) });
  await mustBecome(real, () => session.ack !== undefined, "P8", `${idOf(agent)} registers and is not acknowledged`);
  expectKept(session.ack?.success === true, "P8", `${idOf(agent)} is refused: ${session.ack?.message}`);
  real.sessions.set(agent, session);
}

/** An agent connects; if it is connected already, the newer session takes over and the older one is told. */
export function connect(agent: number, filters: readonly string[], tools: readonly string[]): BridgeCommand {
  const name = `connect ${idOf(agent)} to [${filters.join(" ")}] with [${tools.join(" ")}]`;
  return command(
    name,
    () => true,
    async (model, real) => {
      const older = real.sessions.get(agent);
      await open(real, agent, filters, tools);
      model.register(agent, filters, tools);
      if (older === undefined) return;
      const message = `the older session of ${idOf(agent)} is not told that a newer one took over`;
      await mustBecome(real, () => older.ended !== undefined, "P8", message);
      expectKept(older.ended?.code === "Aborted", "P8", `it ends as ${older.ended?.code}, not as Aborted`);
    },
  );
}

/** An agent leaves, politely or not, and the bridge forgets it. */
export function leave(agent: number, isPolite: boolean): BridgeCommand {
  const name = `${idOf(agent)} ${isPolite ? "says goodbye" : "is cut off"}`;
  return command(
    name,
    (model) => model.isOnline(agent),
    async (model, real) => {
      const session = sessionOf(real, agent);
      if (isPolite) session.say({ case: "goodbye", value: {} });
      else session.cut();
      await mustBecome(real, () => session.ended !== undefined, "P8", `the stream of ${idOf(agent)} does not end`);
      real.sessions.delete(agent);
      model.leave(agent);
      await mustBeGone(real, agent);
    },
  );
}

async function mustBeGone(real: Real, agent: number): Promise<void> {
  const directory = createClient(AgentService, real.target.transport("directory"));
  let isListed = true;
  for (let attempt = 0; attempt < 20 && isListed; attempt += 1) {
    if (attempt > 0) await real.target.until(() => false, 50);
    const { agents } = await real.target.run(directory.listAgents({}));
    isListed = agents.some(({ agentId }) => agentId === idOf(agent));
  }
  expectKept(!isListed, "P15", `${idOf(agent)} has left and is still listed`);
}

/** A stream that does not register is ended. */
export function sayNothing(): BridgeCommand {
  return command(
    "open a stream and say nothing",
    () => true,
    async (_, real) => {
      const session = new WireSession(real.target.transport("silent"), "silent");
      await mustBecome(
        real,
        () => session.ended !== undefined,
        "P8",
        "a stream that never registers stays open",
        60_000,
      );
      expectKept(session.ended?.code !== "OK", "P8", "a stream that never registered ends as if all were well");
    },
  );
}

/** The bridge dies and comes back; all its streams end, and agents may connect again. */
export function restart(): BridgeCommand {
  const canRestart = (model: BridgeModel): boolean => model.agents.size > 0;
  return command("restart the bridge", canRestart, async (model, real) => {
    if (real.target.restart === undefined) return;
    await real.target.restart();
    for (const session of real.sessions.values()) {
      await mustBecome(real, () => session.ended !== undefined, "P13", "a stream outlives its bridge");
    }
    real.sessions.clear();
    model.restart();
  });
}
