-- A command's record.
SELECT id, name, fingerprint, result, error, writes, principal, timestamp FROM {commands} WHERE id = ?
