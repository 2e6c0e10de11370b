-- Records in the order in which they were kept, behind a number.
SELECT number, id, name, fingerprint, result, error, writes, principal, timestamp
FROM {schema}.{commands}
WHERE number > $1
ORDER BY number
LIMIT $2
