-- A command's record, in place of a refused one, as the newest.
INSERT OR REPLACE INTO {commands} (id, name, fingerprint, result, error, writes, principal, timestamp)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
