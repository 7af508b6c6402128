/** Calls with idempotency keys, and one row with their totals. */
export const callResults = `
  CREATE TABLE calls (
    key TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    outcome TEXT, -- JSON; NULL while nobody knows of an end
    bytes INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX calls_by_end ON calls (expires_ms);

  CREATE TABLE call_totals (keys INTEGER NOT NULL, bytes INTEGER NOT NULL) STRICT;
  INSERT INTO call_totals VALUES (0, 0);
  CREATE TRIGGER call_added AFTER INSERT ON calls BEGIN
    UPDATE call_totals SET keys = keys + 1, bytes = bytes + NEW.bytes;
  END;
  CREATE TRIGGER call_removed AFTER DELETE ON calls BEGIN
    UPDATE call_totals SET keys = keys - 1, bytes = bytes - OLD.bytes;
  END;
`;
