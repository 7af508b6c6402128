import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { type Command, Option } from "commander";
import { CommandError } from "../command-error.ts";
import { exitCode } from "../exit-code.ts";
import type { Terminal } from "../terminal.ts";
import { openRemoteBridge, type RemoteBridge } from "./remote-bridge.ts";
import { remoteFailure } from "./remote-failure.ts";
import { parseTarget, type Target } from "./target.ts";

/** What every command that speaks to a running bridge takes. */
export interface ConnectionOptions {
  readonly address: string;
  readonly tlsCa?: string;
  readonly token?: string;
  readonly json?: true;
}

export function addConnectionOptions(command: Command): Command {
  return command
    .optionsGroup("Connection:")
    .addOption(
      new Option("--address <host:port>", "the bridge: host:port, http://… or https://…")
        .env("LOOM_BRIDGE_ADDR")
        .default("localhost:50051"),
    )
    .addOption(
      new Option("--tls-ca <file>", "use TLS and trust the certificates in this PEM file").env("LOOM_BRIDGE_TLS_CA"),
    )
    .addOption(new Option("--token <token>", 'send "authorization: Bearer <token>"').env("LOOM_BRIDGE_TOKEN"))
    .optionsGroup("Output:")
    .option("--json", "one JSON object a line, for programs");
}

/** A running bridge, and what it takes to find it. */
export interface Connection {
  readonly target: Target;
  readonly ca: string | undefined;
  readonly remote: RemoteBridge;
}

/** Opens the connection for a piece of work, explains its failures, and closes the connection after it. */
export async function withConnection<Result>(
  terminal: Terminal,
  options: ConnectionOptions,
  work: (connection: Connection) => Promise<Result>,
): Promise<Result> {
  const target = parseTarget(options.address, options.tlsCa !== undefined);
  const ca = options.tlsCa === undefined ? undefined : await readCa(resolve(terminal.cwd, options.tlsCa));
  const remote = openRemoteBridge({ target, ca, token: options.token });
  try {
    return await work({ target, ca, remote });
  } catch (error) {
    throw remoteFailure(error, target.origin);
  } finally {
    remote.close();
  }
}

async function readCa(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const message = `--tls-ca ${JSON.stringify(path)} cannot be read (${code}); give a file with certificates as PEM`;
    throw new CommandError(exitCode.usage, "invalid_argument", message, { cause });
  }
}
