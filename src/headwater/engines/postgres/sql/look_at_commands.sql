-- Records of commands.
SELECT id, name, fingerprint, result, error, writes, principal, timestamp
FROM {schema}.{commands}
WHERE id = ANY($1::text[])
