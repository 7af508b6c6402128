import { maxTimerDelayMs } from "@loom-bridge/protocol";
import { type Command, InvalidArgumentError, Option } from "commander";
import { agents } from "./commands/agents.ts";
import { call } from "./commands/call.ts";
import { doctor } from "./commands/doctor.ts";
import { publish } from "./commands/publish.ts";
import { reload } from "./commands/reload.ts";
import { stats } from "./commands/stats.ts";
import { qualities, subscribe } from "./commands/subscribe.ts";
import { tools } from "./commands/tools.ts";
import { watchAgents } from "./commands/watch-agents.ts";
import { whoami } from "./commands/whoami.ts";
import { why } from "./commands/why.ts";
import { addConnectionOptions } from "./remote/connection-options.ts";
import type { Terminal } from "./terminal.ts";

/** Adds the commands that speak to a running bridge. */
export function addClientCommands(program: Command, terminal: Terminal, finish: (exitCode: number) => void): void {
  const added: Command[] = [];

  add(
    "doctor",
    "find out what is wrong",
    "Tries what an agent does, step by step, and says what is wrong and what to do.",
    [
      "loom-bridge doctor",
      "loom-bridge doctor --address bridge.example.com:50051",
      "loom-bridge doctor --tool web:search                is this tool registered?",
    ],
  )
    .option("--tool <name>", "check that this tool is registered")
    .option("--timeout <ms>", "how long one step may take", wholeNumber, 5000)
    .action(async (options) => finish(await doctor(terminal, options)));

  add("publish", "publish an event", "Publishes one event and says how many subscriptions it matched.", [
    `loom-bridge publish market.price.BTC '{"usd": 65000}' --type price.tick`,
    "loom-bridge publish logs.build - < build.log        the payload from a file",
    "loom-bridge publish jobs.done --meta job=7 --meta by=me",
  ])
    .argument("<topic>", "the topic, such as market.price.BTC")
    .argument("[payload]", 'the payload as text, or "-" for the standard input')
    .option("--type <type>", "the event's type")
    .option("--source <source>", "where it happened", "loom-bridge-cli")
    .option("--meta <key=value>", "a pair for the event's metadata; may stand more than once", pair)
    .action(async (topic, payload, options) => finish(await publish(terminal, options, topic, payload)));

  add("subscribe", "show events as they come", "Shows the events that match a filter, until Ctrl-C.", [
    "loom-bridge subscribe market.price.BTC",
    "loom-bridge subscribe 'market.*.BTC' 'news.**'      * is one segment, ** the rest",
    "loom-bridge subscribe 'market.**' --count 1 --json",
  ])
    .argument("<filters...>", "topics or patterns")
    .addOption(
      new Option("--qos <qos>", "realtime drops the oldest for a slow reader, the others make publishers wait")
        .choices(Object.keys(qualities))
        .default("batched"),
    )
    .option("--type <type>", "only events of this type; may stand more than once", oneMore)
    .option("--count <number>", "end after this many events", wholeNumber)
    .action(async (filters, options) => finish(await subscribe(terminal, options, filters)));

  add("call", "call a tool", "Calls a tool and prints what it returns. When the tool fails, so does the command.", [
    `loom-bridge call web:search '{"query": "AI frameworks"}'`,
    "loom-bridge call report:build - < arguments.json",
    "loom-bridge call web:scrape '{}' --timeout 60000",
  ])
    .argument("<tool>", "the tool's name")
    .argument("[arguments]", 'its arguments as JSON, or "-" for the standard input (default: {})')
    .option("--timeout <ms>", "how long the tool may take", wholeNumber, 30_000)
    .action(async (tool, args, options) => finish(await call(terminal, options, tool, args)));

  add("tools", "list the tools that can be called", "Lists the tools that can be called now, and who provides them.", [
    "loom-bridge tools",
    "loom-bridge tools --prefix web: --json              with their schemas",
  ])
    .option("--prefix <text>", "only tools whose name starts so")
    .action(async (options) => finish(await tools(terminal, options)));

  add("agents", "list the agents that are connected", "Lists the agents that are connected.", [
    "loom-bridge agents",
    "loom-bridge agents --tool web:search                who provides it?",
    "loom-bridge agents --topic market.price.BTC         who would receive it?",
    "loom-bridge agents --watch                          who comes and goes?",
  ])
    .option("--tool <name>", "only agents that provide this tool")
    .addOption(
      new Option("--topic <topic>", "only agents that would receive an event on this topic").conflicts("watch"),
    )
    .option("--watch", "go on with who comes and goes, until Ctrl-C")
    .action(async (options) => finish(await (options.watch ? watchAgents : agents)(terminal, options)));

  add("why", "tell what became of an event or a call", "Tells what became of an event or a tool call, by its id.", [
    "loom-bridge why 0d6f6a0e-6c6b-4a5e-9f3e-0a0f6b1d2c3e",
    "loom-bridge why call-123 --json",
  ])
    .argument("<id>", "the id of the event or the tool call")
    .action(async (id, options) => finish(await why(terminal, options, id)));

  add("stats", "show what the event bus did", "Shows the counts of the event bus since the bridge started.", [
    "loom-bridge stats",
    "loom-bridge stats --filter 'market.**'",
    "loom-bridge stats --subscriptions",
  ])
    .option("--filter <filter>", "only topics that match")
    .option("--subscriptions", "each subscription too, the longest queue first")
    .action(async (options) => finish(await stats(terminal, options)));

  add(
    "whoami",
    "tell whom the bridge takes you for",
    "Tells whom the bridge takes these credentials for, and what they may do.",
    ["loom-bridge whoami --token lbk_…", "loom-bridge whoami --json"],
  ).action(async (options) => finish(await whoami(terminal, options)));

  add(
    "reload",
    "have keys, rules and certificates read anew",
    "Has the bridge read its keys, rules and certificates anew. They hold for open streams too. Needs the grant admin: reload.",
    ["loom-bridge reload --token lbk_…"],
  ).action(async (options) => finish(await reload(terminal, options)));

  // Last, because the help lists the groups in this order.
  for (const command of added) addConnectionOptions(command);

  function add(name: string, summary: string, description: string, examples: readonly string[]): Command {
    const command = program.command(name).summary(summary).description(description);
    const text = examples.map((example) => `\n  ${example}`).join("");
    added.push(command);
    return command.addHelpText("after", `\nExamples:${text}`);
  }
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (/^[0-9]+$/.test(text) && value >= 1 && value <= maxTimerDelayMs) return value;
  throw new InvalidArgumentError(`Allowed: a whole number from 1 to ${maxTimerDelayMs}.`);
}

function oneMore(text: string, texts: readonly string[] = []): readonly string[] {
  return [...texts, text];
}

function pair(text: string, pairs: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  const middle = text.indexOf("=");
  if (middle < 1) throw new InvalidArgumentError("Allowed: key=value.");
  return { ...pairs, [text.slice(0, middle)]: text.slice(middle + 1) };
}
