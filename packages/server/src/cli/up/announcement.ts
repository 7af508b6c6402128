import type { Config } from "../../config/config-schema.ts";
import type { BridgeServer } from "../../serve.ts";
import { version } from "../../version.ts";
import { writeLine } from "../output.ts";
import type { Terminal } from "../terminal.ts";

export interface Announcement {
  readonly server: BridgeServer;
  readonly config: Config;
  /** The configuration file that was read. */
  readonly file: string | undefined;
  /** The names of the bridge's own tools. */
  readonly tools: readonly string[];
}

/** Says what runs, where, with what, how to try it and how to stop it. */
export function announce(terminal: Terminal, { server, config, file, tools }: Announcement): void {
  const { style } = terminal;
  const isDefault = server.port === 50_051 && config["tls.cert"] === undefined;
  const to = isDefault ? "" : ` --address ${server.url}`;
  const store = config["store.kind"] === "sqlite" ? `sqlite, ${config["store.path"]}` : "in memory, gone when it stops";
  writeLine(terminal, `${style("bold", `Loom Bridge ${version}`)}: events, tools and memory for agents`);
  writeLine(terminal);
  writeLine(terminal, `  listening   ${style("cyan", server.url)}  (${server.address}; gRPC, gRPC-Web and Connect)`);
  writeLine(terminal, `  encryption  ${config["tls.cert"] === undefined ? "off" : "TLS"}`);
  writeLine(terminal, `  asks who    ${askedHow(config)}`);
  writeLine(terminal, `  memory      ${store}`);
  writeLine(terminal, `  tools       ${tools.join(", ") || "none of its own; agents bring theirs"}`);
  if (server.metrics !== undefined) writeLine(terminal, `  metrics     http://${server.metrics.address}/metrics`);
  writeLine(terminal, `  config      ${file ?? "no file"}`);
  writeLine(terminal);
  if (config["auth.kinds"].length === 0) {
    const danger = "Nobody is asked who they are: whoever reaches this port may be any agent and do everything.";
    writeLine(terminal, `  ${style("yellow", danger)}`);
    writeLine(terminal, `  ${style("yellow", 'Add --auth; "loom-bridge up --help" tells how.')}`);
    writeLine(terminal);
  }
  writeLine(terminal, "  Try it in another terminal:");
  writeLine(terminal, `    loom-bridge doctor${to}`);
  writeLine(terminal, `    loom-bridge subscribe 'greetings.*'${to}`);
  writeLine(terminal, `    loom-bridge publish greetings.world '{"hello":"world"}'${to}`);
  writeLine(terminal);
  writeLine(terminal, `  Ctrl-C stops it.`);
}

function askedHow(config: Config): string {
  const kinds = config["auth.kinds"];
  return kinds.length === 0
    ? "NOBODY"
    : `${kinds.join(", ")}${config["auth.policy"] ? ` (${config["auth.policy"]})` : ""}`;
}
