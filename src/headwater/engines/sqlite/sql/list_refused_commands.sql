-- The newest records of refused commands, by their own index.
SELECT id, name, fingerprint, result, error, writes, principal, timestamp FROM {commands}
WHERE error IS NOT NULL AND (?1 IS NULL OR name = ?1)
ORDER BY number DESC
LIMIT ?2
