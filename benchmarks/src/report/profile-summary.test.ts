import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import { pathToFileURL } from "node:url";
import { summarizeProfile } from "./profile-summary.ts";

it("a profile's time is shared out by package and function, without the idle time and the profiler's own", () => {
  const folder = mkdtempSync(join(tmpdir(), "profile-"));
  try {
    const file = join(folder, "bridge.cpuprofile");
    const frame = (functionName: string, url: string) => ({ functionName, url, lineNumber: 9, columnNumber: 0 });
    const nodes = [
      { id: 1, callFrame: frame("(idle)", "") },
      { id: 2, callFrame: frame("encode", "file:///a/node_modules/@bufbuild/protobuf/dist/binary.js") },
      { id: 3, callFrame: frame("writev", "node:internal/streams") },
      { id: 4, callFrame: frame("post", "node:inspector") },
    ];
    writeFileSync(file, JSON.stringify({ nodes, samples: [4, 1, 2, 3, 2], timeDeltas: [900, 400, 200, 100, 300] }));
    const lines = summarizeProfile(file).split("\n");
    assert.match(lines[0] ?? "", /busy 60 % of the time/);
    assert.ok(
      lines.some((line) => /83\.3 % {2}@bufbuild\/protobuf$/.test(line)),
      lines.join("\n"),
    );
    assert.ok(
      lines.some((line) => /16\.7 % {2}writev streams:10 \[node\]$/.test(line)),
      lines.join("\n"),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it("a function of a bundle has the place where it was written", () => {
  const folder = mkdtempSync(join(tmpdir(), "profile-"));
  try {
    const file = join(folder, "bridge.cpuprofile");
    const bundle = join(folder, "bundle.js");
    // The bundle's third line is the second of the source: https://tc39.es/ecma426/#sec-mappings-generated-json-object
    const map = { version: 3, sources: ["../src/session.ts"], names: [], mappings: ";;AACA" };
    writeFileSync(`${bundle}.map`, JSON.stringify(map));
    const callFrame = { functionName: "take", url: pathToFileURL(bundle).href, lineNumber: 2, columnNumber: 4 };
    writeFileSync(file, JSON.stringify({ nodes: [{ id: 1, callFrame }], samples: [1], timeDeltas: [100] }));
    assert.match(summarizeProfile(file), /100\.0 % {2}take session\.ts:2 \[/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
