-- Keep the records of commands, in order, in the place of refused ones; those that are committed already do not come back.
INSERT INTO {schema}.{commands} AS kept (id, name, fingerprint, result, error, writes, principal, timestamp)
SELECT *
FROM unnest(
    $1::text[], $2::text[], $3::bytea[], $4::bytea[], $5::text[], $6::bytea[], $7::text[], $8::bigint[]
) AS command (id, name, fingerprint, result, error, writes, principal, timestamp)
ON CONFLICT (id) DO UPDATE SET
    number = DEFAULT,
    name = excluded.name,
    fingerprint = excluded.fingerprint,
    result = excluded.result,
    error = excluded.error,
    writes = excluded.writes,
    principal = excluded.principal,
    timestamp = excluded.timestamp
WHERE kept.error IS NOT NULL
RETURNING kept.id
