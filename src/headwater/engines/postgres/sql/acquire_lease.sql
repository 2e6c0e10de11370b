-- Take or keep a lease, $3 being now and $4 when it expires: its epoch, or nothing. An attempt in vain locks and writes
-- nothing.
INSERT INTO {schema}.headwater_leases AS held (name, owner, epoch, expires_at, retry_at)
SELECT $1, $2, 1, $4, 0
WHERE NOT EXISTS (
    SELECT FROM {schema}.headwater_leases
    WHERE name = $1 AND ((expires_at > $3 AND owner <> $2) OR retry_at > $3)
)
ON CONFLICT (name) DO UPDATE SET
    owner = excluded.owner,
    epoch = held.epoch + CASE WHEN held.expires_at > $3 THEN 0 ELSE 1 END,
    expires_at = excluded.expires_at
WHERE (held.expires_at <= $3 OR held.owner = excluded.owner) AND held.retry_at <= $3
RETURNING epoch
