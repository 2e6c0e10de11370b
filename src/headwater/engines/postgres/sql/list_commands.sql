-- Records of commands, the newest first; of one name, refused or committed ones only, if asked.
SELECT id, name, fingerprint, result, error, writes, principal, timestamp
FROM {schema}.{commands}
WHERE ($1::text IS NULL OR name = $1) AND ($2::boolean IS NULL OR (error IS NOT NULL) = $2)
ORDER BY number DESC
LIMIT $3
