/** Sessions with their counts, plans, executions. Ids grow with every row, so they are the order of storing. */
export const plansAndExecutions = `
  CREATE TABLE sessions (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    plans INTEGER NOT NULL DEFAULT 0,
    executions INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    duplicates_prevented INTEGER NOT NULL DEFAULT 0
  ) STRICT;

  CREATE TABLE plans (
    id INTEGER PRIMARY KEY,
    session_id INTEGER NOT NULL,
    timestamp_ms INTEGER NOT NULL,
    symbol TEXT NOT NULL,
    action TEXT NOT NULL,
    confidence REAL NOT NULL,
    reasoning TEXT NOT NULL,
    plan_hash TEXT NOT NULL,
    method TEXT NOT NULL,
    metadata TEXT NOT NULL -- JSON
  ) STRICT;
  CREATE INDEX plans_by_session ON plans (session_id);
  CREATE INDEX plans_by_symbol ON plans (session_id, symbol);
  CREATE INDEX plans_by_time ON plans (session_id, symbol, action, timestamp_ms);

  -- A row lives as long as the session has a plan for the symbol, so there are never more rows than plans.
  CREATE TABLE symbols (
    session_id INTEGER NOT NULL,
    symbol TEXT NOT NULL,
    duplicates_prevented INTEGER NOT NULL,
    PRIMARY KEY (session_id, symbol)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE executions (
    id INTEGER PRIMARY KEY,
    session_id INTEGER NOT NULL,
    timestamp_ms INTEGER NOT NULL,
    plan_hash TEXT NOT NULL,
    symbol TEXT NOT NULL,
    action TEXT NOT NULL,
    confidence REAL NOT NULL,
    status TEXT NOT NULL,
    executed INTEGER NOT NULL,
    order_id TEXT NOT NULL,
    order_size_usdt REAL NOT NULL,
    error_message TEXT NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX one_execution_per_plan ON executions (session_id, plan_hash) WHERE executed = 1;
  CREATE INDEX executions_by_kind ON executions (session_id, executed);
  CREATE INDEX executions_by_symbol ON executions (session_id, symbol, status);
`;
