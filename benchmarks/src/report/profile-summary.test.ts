import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import { summarizeProfile } from "./profile-summary.ts";

it("a profile's time is shared out by package and function, without the idle time and the profiler's own", () => {
  const folder = mkdtempSync(join(tmpdir(), "profile-"));
  try {
    const file = join(folder, "bridge.cpuprofile");
    const frame = (functionName: string, url: string) => ({ functionName, url, lineNumber: 9 });
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
