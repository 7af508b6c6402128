import assert from "node:assert/strict";
import { it, type TestContext } from "node:test";
import { systemRuntime } from "@loom-bridge/protocol";
import SqliteDatabase, { type Database } from "better-sqlite3";
import { createGroupCommit, type GroupCommit } from "./group-commit.ts";

function newCommits(t: TestContext): {
  database: Database;
  commits: GroupCommit;
  insert(parent: number): () => string;
} {
  const database = new SqliteDatabase(":memory:");
  t.after(() => database.close());
  // A reference that is checked by COMMIT and by nothing earlier.
  database.exec(`
    PRAGMA foreign_keys = ON;
    CREATE TABLE parents (id INTEGER PRIMARY KEY);
    INSERT INTO parents VALUES (1);
    CREATE TABLE children (parent INTEGER REFERENCES parents (id) DEFERRABLE INITIALLY DEFERRED);
  `);
  const statement = database.prepare("INSERT INTO children VALUES (?)");
  const insert = (parent: number) => () => {
    statement.run(parent);
    return `child of ${parent}`;
  };
  const bounds = { maxQueuedWrites: 10, maxQueuedBytes: 100, maxWritesPerCommit: 10 };
  return { database, commits: createGroupCommit({ database, runtime: systemRuntime, ...bounds }), insert };
}

const count = (database: Database): unknown => database.prepare("SELECT count(*) FROM children").pluck().get();

it("undoes what a write had done before it failed, and commits the others of its transaction", async (t) => {
  const { database, commits, insert } = newCommits(t);
  const failing = commits.write(() => {
    insert(1)();
    throw new Error("changed its mind");
  }, 1);
  const outcomes = await Promise.allSettled([commits.write(insert(1), 1), failing, commits.write(insert(1), 1)]);
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ["fulfilled", "rejected", "fulfilled"],
  );
  assert.equal(count(database), 2);
});

it("acknowledges no write of a transaction whose commit fails, and keeps none", async (t) => {
  const { database, commits, insert } = newCommits(t);
  const outcomes = await Promise.allSettled([commits.write(insert(1), 1), commits.write(insert(99), 1)]);
  assert.deepEqual(
    outcomes.map((outcome) => (outcome.status === "rejected" ? outcome.reason.details : outcome.value)),
    [{ sqlite: "SQLITE_CONSTRAINT_FOREIGNKEY" }, { sqlite: "SQLITE_CONSTRAINT_FOREIGNKEY" }],
  );
  assert.equal(count(database), 0);
  assert.equal(await commits.write(insert(1), 1), "child of 1");
  assert.equal(count(database), 1);
});

it("refuses a write that would make the waiting ones too large", async (t) => {
  const { commits, insert } = newCommits(t);
  const accepted = commits.write(insert(1), 60);
  await assert.rejects(commits.write(insert(1), 60), {
    code: "resource_exhausted",
    details: { limit: "maxQueuedBytes", value: "100" },
  });
  await accepted;
  await commits.write(insert(1), 60);
});
