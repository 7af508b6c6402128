import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, it } from "node:test";
import { systemRuntime } from "@loom-bridge/protocol";
import { callResultsContract } from "./call-results-contract.test-helper.ts";
import { createInMemoryCallResults } from "./in-memory-call-results.ts";
import { createSqliteCallResults } from "./sqlite-call-results.ts";

const directory = mkdtempSync(join(tmpdir(), "loom-calls-"));
after(() => rmSync(directory, { recursive: true }));
let files = 0;
const newPath = (): string => join(directory, `${(files += 1)}.sqlite`);

callResultsContract("results of calls in memory", async (limits) => createInMemoryCallResults(limits));
callResultsContract("results of calls in an SQLite file", (limits) =>
  createSqliteCallResults({ path: newPath(), runtime: systemRuntime, limits: limits ?? {} }),
);

it("an SQLite file has the results, and what never ended, when it is opened again", async () => {
  const path = newPath();
  const first = await createSqliteCallResults({ path, runtime: systemRuntime });
  const [ended, open] = ["ended", "open"].map((key) => ({ key, fingerprint: "f", mayRepeat: false }));
  assert.ok(ended !== undefined && open !== undefined);
  await Promise.all([first.begin(ended, 0), first.begin(open, 0)]);
  await first.end("ended", { status: "ok", output: "1" }, 0);
  await first.close();
  const second = await createSqliteCallResults({ path, runtime: systemRuntime });
  assert.deepEqual(await second.begin(ended, 0), { fingerprint: "f", outcome: { status: "ok", output: "1" } });
  assert.deepEqual(await second.begin(open, 0), { fingerprint: "f", outcome: undefined });
  await second.close();
});
