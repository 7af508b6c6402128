import type { Command } from "commander";
import type { Bridge } from "../../bridge.ts";
import { limitsOf } from "../../config/limit-settings.ts";
import type { Logger } from "../../domain/logger.ts";
import { createPinoLogger } from "../../logging/pino-logger.ts";
import { type BridgeServer, serve } from "../../serve.ts";
import { CommandError } from "../command-error.ts";
import { exitCode } from "../exit-code.ts";
import { writeJson, writeLine } from "../output.ts";
import type { Terminal } from "../terminal.ts";
import { announce } from "../up/announcement.ts";
import { createConfiguredBridge, readTlsFiles } from "../up/configured-bridge.ts";
import { loadConfigOf } from "../up/setting-options.ts";

/** Runs a bridge until SIGINT or SIGTERM. */
export async function up(terminal: Terminal, command: Command): Promise<number> {
  const { mode, json } = command.opts<{ mode: string; json?: true }>();
  checkMode(mode);
  const { config, file } = await loadConfigOf(terminal, command);
  const { runtime } = terminal;
  const write = (line: string): void => terminal.writeError(line);
  const logger = createPinoLogger({ level: config["log.level"], format: config["log.format"], runtime, write });
  const tls = config["tls.cert"] === undefined ? undefined : () => readTlsFiles(config);
  const { bridge, tools } = await createConfiguredBridge(config, { runtime, logger });
  let server: BridgeServer;
  try {
    const { memoryBytes, maxLoopDelayMs, ...limits } = limitsOf(config);
    server = await serve(bridge, {
      address: config.address,
      limits,
      trustedPeers: config["limits.trustedPeers"],
      overload: { memoryBytes, maxLoopDelayMs },
      ...(config["metrics.address"] === undefined ? {} : { metricsAddress: config["metrics.address"] }),
      insecure: config.insecure,
      ...(tls === undefined ? {} : { tls }),
    });
  } catch (error) {
    await bridge.close();
    throw error;
  }
  const interrupted = firstInterrupt(terminal);
  const { address, port, url } = server;
  const stopReloading = terminal.onHangup(() => void reload(bridge, logger));
  if (json) writeJson(terminal, { event: "listening", address, port, url, pid: terminal.pid, version: bridge.version });
  else announce(terminal, { server, config, file, tools });

  const signal = await interrupted;
  const graceMs = config["shutdown.graceMs"];
  if (json) writeJson(terminal, { event: "stopping", signal, graceMs });
  else writeLine(terminal, `\n${signal}: stopping within ${graceMs} ms; once more stops at once`);
  stopReloading();
  await server.close({ graceMs });
  if (json) writeJson(terminal, { event: "stopped" });
  else writeLine(terminal, "stopped");
  return exitCode.ok;
}

/** SIGHUP: what is wrong is logged, and what was there stays. */
async function reload(bridge: Bridge, logger: Logger): Promise<void> {
  try {
    const outcome = await bridge.reload();
    logger.warn("audit: administered", { act: "reload", by: "SIGHUP", ...outcome });
  } catch (error) {
    logger.error("keys, rules or certificates could not be read anew; those that were there stay", { error });
  }
}

function checkMode(mode: string): void {
  if (mode === "bridge-only") return;
  const problem =
    mode === "full"
      ? "--mode full is not there: this version has the bridge, and no dashboard"
      : `--mode ${JSON.stringify(mode)} is unknown`;
  throw new CommandError(exitCode.usage, "invalid_argument", `${problem}; use --mode bridge-only, the default`);
}

/** Resolves with the first signal. The second one ends the process. */
function firstInterrupt(terminal: Terminal): Promise<string> {
  return new Promise((resolve) => {
    let interrupted = false;
    terminal.onInterrupt((signal) => {
      if (interrupted) terminal.exit(exitCode.failed);
      interrupted = true;
      resolve(signal);
    });
  });
}
