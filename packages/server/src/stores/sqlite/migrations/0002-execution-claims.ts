/** Claims of plans. The greatest token stands with the session, so that it outlives every claim. */
export const executionClaims = `
  ALTER TABLE sessions ADD COLUMN claims INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE sessions ADD COLUMN last_fencing_token INTEGER NOT NULL DEFAULT 0;

  CREATE TABLE claims (
    session_id INTEGER NOT NULL,
    plan_hash TEXT NOT NULL,
    holder TEXT NOT NULL,
    fencing_token INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,
    PRIMARY KEY (session_id, plan_hash)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX claims_by_end ON claims (session_id, expires_ms, fencing_token);
`;
