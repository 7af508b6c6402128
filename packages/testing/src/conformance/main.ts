#!/usr/bin/env node
import { checkAddress } from "./check-address.ts";
import { parseOptions, usage } from "./options.ts";

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(
    `${error instanceof Error ? error.message : String(error)}\nTry: loom-bridge-conformance --help\n`,
  );
  process.exitCode = 2;
}

async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2));
  if (options === undefined) {
    process.stdout.write(`${usage}\n`);
    return 0;
  }
  const report = await checkAddress(options, (run) => {
    if (!options.json) process.stderr.write(`run ${run} of ${options.runs}: kept\n`);
  });
  const { bridge, address, kept, broken, seed, runs } = report;
  if (options.json) {
    process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`);
  } else if (broken === undefined) {
    process.stdout.write(`${bridge} at ${address} kept every promise in ${runs} runs, seed ${seed}\n`);
  } else {
    const steps = broken.commands.map((command) => `  ${command}`).join("\n");
    process.stdout.write(
      `${bridge} at ${address} broke a promise, seed ${seed}.\n${broken.message}\n\nWhat was done:\n${steps}\n`,
    );
  }
  return kept ? 0 : 1;
}
