-- Records in the order in which they were kept, behind a number.
SELECT number, id, name, fingerprint, result, error, writes, principal, timestamp FROM {commands}
WHERE number > ?
ORDER BY number
LIMIT ?
