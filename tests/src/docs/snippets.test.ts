import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { createBridge, serve } from "@loom-bridge/server";
import { commandsOf, fromSource } from "./commands.ts";
import { type Block, pageNames, readBlocks, root } from "./markdown.ts";
import { type Program, type ProgramEnd, startProgram } from "./program.ts";

// Runs what the pages show, page by page, in order, against a bridge of the page's own:
// - a `ts` or `python` block is a whole program, and so is an `sh` block of loom-bridge commands
// - a `text` block right after it is all that it prints, with "…" for what differs from run to run
// - a program marked `background` runs on while the next ones run, and is interrupted at the end of the page
// - an `sh` block marked `bridge` starts the bridge that those after it speak to, on a port of its own
// - a `yaml` block that is marked with a name is a file of that name
// - of other `sh` blocks see commands.test.ts
const pages = new Map(pageNames().map((page) => [page, readBlocks(page)]));

const snippets = join(root, "tests/.snippets");
mkdirSync(snippets, { recursive: true });
const folder = mkdtempSync(join(snippets, "run-"));
const programs = [...pages.values()].flat().filter(({ language }) => language === "ts");
for (const block of programs) writeFileSync(fileOf(block), block.text);

function fileOf({ place }: Block): string {
  return join(folder, `${place.replaceAll(/[/.:]/g, "-")}.ts`);
}

after(() => rmSync(folder, { recursive: true }));

test("every program in the documentation passes the type checker", () => {
  const tsconfig = {
    extends: "../../../tsconfig.base.json",
    compilerOptions: { noEmit: true, composite: false, isolatedDeclarations: false },
    include: ["*.ts"],
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(tsconfig));
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  const { stdout, status } = spawnSync(process.execPath, [tsc, "-p", folder, "--pretty", "false"], {
    encoding: "utf8",
  });
  assert.equal(status, 0, stdout);
});

const python = spawnSync("python3", ["-c", "import grpc_tools"]).status === 0;

describe("the programs and commands", { concurrency: 2 }, () => {
  for (const [page, blocks] of pages) {
    test(`of ${page} run and print what the page says`, async (context) => {
      const skipped = !python && blocks.some(({ language }) => language === "python");
      if (skipped) context.diagnostic("no python3 with grpcio-tools here: the program in Python was not run");
      await runPage(blocks);
    });
  }
});

async function runPage(blocks: readonly Block[]): Promise<void> {
  const server = await serve(createBridge(), { address: "127.0.0.1:0" });
  const running: { block: Block; expected: string; program: Program }[] = [];
  const bridges: Program[] = [];
  let address = server.address;
  try {
    for (const [index, block] of blocks.entries()) {
      if (block.language === "yaml" && block.info !== "") writeFileSync(join(folder, block.info), block.text);
      if (block.info === "bridge") {
        const bridge = startBridge(block);
        bridges.push(bridge);
        await bridge.ready;
        address = JSON.parse(bridge.output())["url"];
        continue;
      }
      const next = blocks[index + 1];
      const expected = next?.language === "text" ? next.text : "";
      const program = start(block, address);
      if (program === undefined) continue;
      if (block.info === "background") {
        running.push({ block, expected, program });
        await program.ready;
      } else {
        check(block, expected, await program.ended);
      }
    }
    for (const { block, expected, program } of running) {
      program.interrupt();
      check(block, expected, await program.ended);
    }
  } finally {
    for (const program of [...running.map((each) => each.program), ...bridges]) program.interrupt();
    await Promise.all(bridges.map((bridge) => bridge.ended));
    await server.close({ graceMs: 1_000 });
  }
}

/** Starts the bridge that a block shows, where no other bridge is. */
function startBridge(block: Block): Program {
  const [command = ""] = commandsOf(block);
  const script = `exec ${fromSource(command)} --address 127.0.0.1:0 --json`;
  return startProgram({ command: "sh", args: ["-ec", script], cwd: folder, env: { ...process.env, NO_COLOR: "1" } });
}

/** Starts what a block shows, if it is to be run. */
function start(block: Block, address: string): Program | undefined {
  // Without NODE_TEST_CONTEXT a program of tests does not take itself for a part of this one.
  const { NODE_TEST_CONTEXT: _, ...inherited } = process.env;
  const env = { ...inherited, LOOM_BRIDGE_ADDR: address, NO_COLOR: "1" };
  if (block.language === "ts") {
    return startProgram({ command: process.execPath, args: ["--import=tsx", fileOf(block)], cwd: folder, env });
  }
  if (block.language === "python" && python) {
    const pythonEnv = { ...env, PYTHONPATH: join(root, "proto") };
    return startProgram({ command: "python3", args: ["-c", block.text], cwd: folder, env: pythonEnv });
  }
  if (block.language !== "sh") return undefined;
  const commands = commandsOf(block);
  // The page's bridge is up already.
  const runnable = commands.filter((command) => !command.startsWith("loom-bridge up"));
  if (runnable.length === 0 || !runnable.every((command) => command.startsWith("loom-bridge "))) return undefined;
  return startProgram({ command: "sh", args: ["-ec", runnable.map(fromSource).join("\n")], cwd: folder, env });
}

function check(block: Block, expected: string, { output, errors, exit }: ProgramEnd): void {
  const where = `${block.place} printed\n${output}${errors}`;
  assert.equal(exit, 0, `${where}and ended with ${exit}`);
  // What a program of tests prints is its report.
  if (/from "(node:test|@loom-bridge\/testing\/node)"/.test(block.text))
    return assert.match(output, /pass [1-9]/, where);
  const pattern = expected.split("…").map((literal) => literal.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  assert.match(output, new RegExp(`^${pattern.join("[^\\n]*")}$`), `${where}but should have printed\n${expected}`);
}
