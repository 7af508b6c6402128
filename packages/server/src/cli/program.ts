import { Command } from "commander";
import { version } from "../version.ts";
import { addAccessCommands } from "./access-commands.ts";
import { addClientCommands } from "./client-commands.ts";
import type { Terminal } from "./terminal.ts";
import { addSettingOptions } from "./up/setting-options.ts";

/** The command line: what there is, how it is read, and what --help tells. `finish` gets each command's exit code. */
export function createProgram(terminal: Terminal, finish: (exitCode: number) => void): Command {
  const program = new Command("loom-bridge")
    .description("Runs a Loom Bridge, and speaks to one: events, tools and memory for agents.")
    .version(version, "-V, --version", "show the version")
    .helpOption("-h, --help", "show help")
    .helpCommand("help [command]", "show help for a command")
    .configureOutput({ writeOut: terminal.write, writeErr: terminal.writeError })
    .showHelpAfterError("Add --help to see how it is used.")
    .exitOverride()
    .addHelpText(
      "after",
      `
Examples:
  loom-bridge up                                      run a bridge on localhost:50051
  loom-bridge doctor                                  find out why a bridge cannot be reached
  loom-bridge subscribe 'market.**'                   show events as they come
  loom-bridge publish market.price.BTC '{"usd":1}'    publish one
  loom-bridge call web:search '{"query":"agents"}'    call a tool

Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 69 no bridge answers.`,
    );

  const up = program
    .command("up")
    .summary("run a bridge")
    .description(
      "Runs a bridge until Ctrl-C or SIGTERM. Flags beat the environment, which beats the configuration file.",
    )
    .option("--mode <mode>", "what to run: bridge-only", "bridge-only")
    .option("--json", "one JSON object a line, for programs")
    .action(async (_options, command: Command) => {
      const { up: run } = await import("./commands/up.ts");
      finish(await run(terminal, command));
    });
  addSettingOptions(up).addHelpText(
    "after",
    `
Examples:
  loom-bridge up
  loom-bridge up --mode bridge-only --port 9000
  loom-bridge up --store sqlite --data ./plans.db
  loom-bridge up --files-root ./shared --web-allow 'example.com,*.example.org'
  loom-bridge up --address 0.0.0.0:443 --tls-cert cert.pem --tls-key key.pem --auth keys --auth-policy access.yaml
  loom-bridge up --port 0 --json                      a free port, printed for a program

SIGTERM or Ctrl-C ends streams with UNAVAILABLE, lets calls finish within the grace time and exits 0.
A second one exits 1 at once. SIGHUP reads keys, rules and certificates anew; open streams stay where they may.`,
  );

  const config = program
    .command("config")
    .summary("show the configuration that up would use")
    .description("Shows the configuration that up would use, and where each value comes from. Runs nothing.")
    .option("--json", "one JSON object a line, for programs")
    .action(async (_options, command: Command) => {
      const { config: run } = await import("./commands/config.ts");
      finish(await run(terminal, command));
    });
  addSettingOptions(config).addHelpText(
    "after",
    `
Examples:
  loom-bridge config
  loom-bridge config --config /etc/loom-bridge.yaml --json`,
  );

  addClientCommands(program, terminal, finish);
  addAccessCommands(program, terminal, finish);
  return program;
}
