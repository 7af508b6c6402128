import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, it } from "node:test";
import SqliteDatabase from "better-sqlite3";
import { migrate } from "./migrate.ts";
import { migrations } from "./migrations/migrations.ts";
import { openDatabase } from "./open-database.ts";

const directory = mkdtempSync(join(tmpdir(), "loom-open-"));
after(() => rmSync(directory, { recursive: true }));
let files = 0;
const newPath = (): string => join(directory, `${(files += 1)}.sqlite`);
const open = (path: string): ReturnType<typeof openDatabase> => openDatabase({ path, busyTimeoutMs: 1 });

it("brings a new file to the newest schema, with a log that waits for the disk", async () => {
  const database = await open(newPath());
  assert.equal(database.pragma("user_version", { simple: true }), migrations.length);
  assert.equal(database.pragma("journal_mode", { simple: true }), "wal");
  const full = 2;
  assert.equal(database.pragma("synchronous", { simple: true }), full);
  database.close();
});

it("takes only the steps that a file lacks, and all of them or none", () => {
  const database = new SqliteDatabase(newPath());
  migrate(database, "file", ["CREATE TABLE one (a)"]);
  assert.throws(() => migrate(database, "file", ["CREATE TABLE one (a)", "CREATE TABLE two (a)", "nonsense"]));
  assert.equal(database.pragma("user_version", { simple: true }), 1);
  migrate(database, "file", ["CREATE TABLE one (a)", "CREATE TABLE two (a)"]);
  assert.equal(database.pragma("user_version", { simple: true }), 2);
  database.prepare("SELECT a FROM two").all();
  database.close();
});

it("refuses a file that a newer Loom Bridge wrote, and leaves it as it is", async () => {
  const path = newPath();
  const database = await open(path);
  database.pragma("user_version = 1000");
  database.close();
  const before = readFileSync(path);
  await assert.rejects(open(path), {
    code: "failed_precondition",
    message: /was written by a newer Loom Bridge: its schema is version 1000, and this one knows \d+/,
  });
  assert.deepEqual(readFileSync(path), before);
});

it("refuses the database of another program, and leaves it as it is", async () => {
  const path = newPath();
  const database = new SqliteDatabase(path);
  database.exec("CREATE TABLE theirs (a)");
  database.close();
  const before = readFileSync(path);
  await assert.rejects(open(path), { code: "failed_precondition", message: /database of another program/ });
  assert.deepEqual(readFileSync(path), before);
});

it("refuses a file that is no database", async () => {
  const path = newPath();
  writeFileSync(path, "Dear diary, ".repeat(100));
  await assert.rejects(open(path), { code: "failed_precondition", message: /is not an SQLite database/ });
});

it("tells a damaged file from every other trouble", async () => {
  const path = newPath();
  (await open(path)).close();
  const bytes = readFileSync(path);
  // The schema stands behind the header of 100 bytes.
  writeFileSync(path, bytes.fill(0x5a, 100, 4096));
  await assert.rejects(open(path), { code: "data_loss", message: /is damaged; restore it from a backup/ });
});

it("refuses a path whose directory does not exist, by its name", async () => {
  const path = join(directory, "missing", "file.sqlite");
  await assert.rejects(open(path), {
    code: "failed_precondition",
    message: /the directory .*missing .*does not exist/,
  });
});

it("refuses a path that is a directory", async () => {
  const path = newPath();
  mkdirSync(path);
  await assert.rejects(open(path), { code: "failed_precondition", message: /cannot be opened/ });
});

it("refuses a file that cannot be written", async () => {
  // Not even root can write here, so the test tells the same to everybody.
  await assert.rejects(open("/proc/version"), { code: "failed_precondition" });
});

it("answers unavailable when another process has the file for itself", async () => {
  const path = newPath();
  (await open(path)).close();
  const other = new SqliteDatabase(path);
  other.pragma("locking_mode = EXCLUSIVE");
  other.exec("BEGIN IMMEDIATE; COMMIT");
  await assert.rejects(open(path), {
    code: "unavailable",
    message: /locked by another process, perhaps another bridge/,
  });
  other.close();
  (await open(path)).close();
});
