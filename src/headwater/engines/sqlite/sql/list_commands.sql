-- The newest records.
SELECT id, name, fingerprint, result, error, writes, principal, timestamp FROM {commands}
WHERE (?1 IS NULL OR name = ?1) AND (?2 IS NULL OR (error IS NOT NULL) = ?2)
ORDER BY number DESC
LIMIT ?3
