import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import type { Command } from "commander";
import { settings } from "../config/config-schema.ts";
import { allowedValues, defaultText } from "../config/setting-value.ts";
import { exitCode } from "./exit-code.ts";
import { createProgram } from "./program.ts";
import { createProcessTerminal } from "./terminal.ts";

// The generated parts of the reference stand between two comments. UPDATE_DOCS=1 writes them anew.
const reference = new URL("../../../../docs/reference/", import.meta.url);

async function checkGenerated(page: string, name: string, generated: string): Promise<void> {
  const file = new URL(page, reference);
  const text = await readFile(file, "utf8");
  const [start, end] = [`<!-- generated: ${name} -->\n`, `<!-- end: ${name} -->`];
  const [head, rest] = text.split(start);
  const tail = rest?.split(end)[1];
  assert.ok(head !== undefined && tail !== undefined, `${page} has no place for ${name}`);
  const wanted = `${head}${start}\n${generated}\n${end}${tail}`;
  if (process.env["UPDATE_DOCS"] === "1") await writeFile(file, wanted);
  else assert.equal(text, wanted, `${page} is behind the code; run this test with UPDATE_DOCS=1`);
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll(/(?<![`\w])(\*\.[\w.]+)/g, "`$1`");
}

test("the reference of the configuration has every setting", async () => {
  const rows = settings.map((setting) => {
    const fallback = defaultText(setting);
    const names = [setting.key, setting.flag, setting.env].map((name) => `\`${name}\``);
    const value = fallback === undefined ? "–" : `\`${fallback}\``;
    return `| ${[...names, value, cell(`${setting.description} Takes ${allowedValues(setting)}.`)].join(" | ")} |`;
  });
  const heading = ["| key | flag | variable | default | meaning |", "| --- | --- | --- | --- | --- |"];
  await checkGenerated("configuration.md", "settings", `${[...heading, ...rows].join("\n")}\n`);
});

test("the reference of the command has the help of every command", async () => {
  const program = createProgram(createProcessTerminal(), () => {});
  const below = (command: Command): Command[] =>
    command.commands.filter((each) => each.name() !== "help").flatMap((each) => [each, ...below(each)]);
  const nameOf = (command: Command): string =>
    command.parent === null ? command.name() : `${nameOf(command.parent)} ${command.name()}`;
  const commands: Command[] = [program, ...below(program)];
  const sections = commands.map((command) => {
    let help = "";
    // As wide everywhere as a page is.
    command.configureOutput({
      writeOut: (text) => (help += text),
      getOutHelpWidth: () => 100,
      getOutHasColors: () => false,
    });
    command.outputHelp();
    return `## ${nameOf(command)}\n\n\`\`\`text\n${help.trim()}\n\`\`\`\n`;
  });
  await checkGenerated("cli.md", "commands", sections.join("\n"));
});

test("the page on security has every limit of the configuration, with its default", async () => {
  const page = await readFile(new URL("../security.md", reference), "utf8");
  for (const setting of settings.filter(({ key }) => key.startsWith("limits."))) {
    const row = `| \`${setting.key}\` | \`${defaultText(setting)}\` |`;
    assert.ok(page.includes(row), `docs/security.md has no ${row}`);
  }
});

test("the reference names every exit code", async () => {
  const text = await readFile(new URL("cli.md", reference), "utf8");
  for (const code of Object.values(exitCode)) assert.match(text, new RegExp(`^\\| ${code} +\\| `, "m"));
});
