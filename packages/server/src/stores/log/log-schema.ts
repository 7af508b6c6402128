import type { DatabaseSchema } from "../sqlite/open-database.ts";

const events = `
  CREATE TABLE log (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    id TEXT NOT NULL,
    head INTEGER NOT NULL,
    -- What went with topics that were forgotten.
    gone_through INTEGER NOT NULL DEFAULT 0,
    gone_ms INTEGER NOT NULL DEFAULT 0
  ) STRICT;

  CREATE TABLE events (
    offset INTEGER PRIMARY KEY,
    topic TEXT NOT NULL,
    published_ms INTEGER NOT NULL,
    id TEXT NOT NULL,
    type TEXT NOT NULL,
    sender TEXT NOT NULL,
    key TEXT NOT NULL,
    chain TEXT NOT NULL, -- JSON, or empty
    body BLOB NOT NULL
  ) STRICT;

  -- What is gone of a topic, so that a subscriber who asks for it is told.
  CREATE TABLE topics (
    topic TEXT PRIMARY KEY,
    pruned_through INTEGER NOT NULL,
    pruned_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE positions (
    id INTEGER PRIMARY KEY, -- grows with every saving
    owner TEXT NOT NULL UNIQUE,
    offset INTEGER NOT NULL,
    above TEXT NOT NULL -- JSON
  ) STRICT;
`;

/** A file of its own: its writes wait for no plan, and one bridge alone may give out its offsets. */
export const logSchema: DatabaseSchema = {
  subject: "the event log",
  // "LOOE"
  applicationId: 0x4c4f4f45,
  // A released step never changes; a new one is added at the end.
  migrations: [events],
  exclusive: true,
};
