import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { Command } from "commander";
import { CommandError } from "../command-error.ts";
import { exitCode } from "../exit-code.ts";
import type { Terminal } from "../terminal.ts";
import { type Credentials, openRemoteBridge, type RemoteBridge } from "./remote-bridge.ts";
import { remoteFailure } from "./remote-failure.ts";
import { parseTarget, type Target } from "./target.ts";

/** What every command that speaks to a running bridge takes. */
export interface ConnectionOptions {
  readonly address?: string;
  readonly tlsCa?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsServerName?: string;
  readonly token?: string;
  readonly json?: true;
}

const defaultAddress = "localhost:50051";

export function addConnectionOptions(command: Command): Command {
  return command
    .optionsGroup("Connection:")
    .option(
      "--address <host:port>",
      `the bridge: host:port, http://… or https://… (default: ${defaultAddress}, env: LOOM_BRIDGE_ADDR)`,
    )
    .option("--tls-ca <file>", "use TLS and trust the certificates in this PEM file (env: LOOM_BRIDGE_TLS_CA)")
    .option(
      "--tls-cert <file>",
      "the command's own certificate, as PEM, for a bridge that asks for one (env: LOOM_BRIDGE_CLIENT_CERT)",
    )
    .option("--tls-key <file>", "the private key of --tls-cert, as PEM (env: LOOM_BRIDGE_CLIENT_KEY)")
    .option(
      "--tls-server-name <name>",
      "the name that the bridge's certificate must have (default: the host, env: LOOM_BRIDGE_SERVER_NAME)",
    )
    .option("--token <token>", "an API key or a token that says who you are (env: LOOM_BRIDGE_TOKEN)")
    .optionsGroup("Output:")
    .option("--json", "one JSON object a line, for programs");
}

/** A running bridge, and what it takes to find it. */
export interface Connection {
  readonly target: Target;
  readonly credentials: Credentials;
  readonly remote: RemoteBridge;
}

/** Opens the connection for a piece of work, explains its failures, and closes the connection after it. */
export async function withConnection<Result>(
  terminal: Terminal,
  options: ConnectionOptions,
  work: (connection: Connection) => Promise<Result>,
): Promise<Result> {
  const { env } = terminal;
  // An empty variable is how many tools write "not set".
  const address = options.address ?? (env["LOOM_BRIDGE_ADDR"] || defaultAddress);
  const token = options.token ?? (env["LOOM_BRIDGE_TOKEN"] || undefined);
  const tlsCa = options.tlsCa ?? (env["LOOM_BRIDGE_TLS_CA"] || undefined);
  const tlsCert = options.tlsCert ?? (env["LOOM_BRIDGE_CLIENT_CERT"] || undefined);
  const tlsKey = options.tlsKey ?? (env["LOOM_BRIDGE_CLIENT_KEY"] || undefined);
  const serverName = options.tlsServerName ?? (env["LOOM_BRIDGE_SERVER_NAME"] || undefined);
  const target = parseTarget(address, (tlsCa ?? tlsCert ?? tlsKey ?? serverName) !== undefined);
  const credentials: Credentials = {
    ...(tlsCa === undefined ? {} : { ca: await readPem(terminal, "--tls-ca", tlsCa) }),
    ...(tlsCert === undefined ? {} : { cert: await readPem(terminal, "--tls-cert", tlsCert) }),
    ...(tlsKey === undefined ? {} : { key: await readPem(terminal, "--tls-key", tlsKey) }),
    ...(serverName === undefined ? {} : { servername: serverName }),
  };
  const remote = openRemoteBridge({ target, credentials, token });
  try {
    return await work({ target, credentials, remote });
  } catch (error) {
    throw remoteFailure(error, target.origin);
  } finally {
    remote.close();
  }
}

async function readPem(terminal: Terminal, flag: string, file: string): Promise<string> {
  const path = resolve(terminal.cwd, file);
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const message = `${flag} ${JSON.stringify(path)} cannot be read (${code}); name a PEM file`;
    throw new CommandError(exitCode.usage, "invalid_argument", message, { cause });
  }
}
