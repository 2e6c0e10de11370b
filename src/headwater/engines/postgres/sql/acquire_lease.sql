-- Take or keep a lease for $4 microseconds: its epoch, and when it expires, or nothing. Now is $3, or by the server's
-- clock, which is one for all machines. An attempt in vain locks and writes nothing.
WITH moment AS MATERIALIZED (
    SELECT coalesce($3::bigint, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint) AS now
)
INSERT INTO {schema}.headwater_leases AS held (name, owner, epoch, expires_at, retry_at)
SELECT $1, $2, 1, moment.now + $4::bigint, 0
FROM moment
WHERE NOT EXISTS (
    SELECT FROM {schema}.headwater_leases
    WHERE name = $1 AND ((expires_at > moment.now AND owner <> $2) OR retry_at > moment.now)
)
ON CONFLICT (name) DO UPDATE SET
    owner = excluded.owner,
    epoch = held.epoch + CASE WHEN held.expires_at > (SELECT now FROM moment) THEN 0 ELSE 1 END,
    expires_at = excluded.expires_at
WHERE (held.expires_at <= (SELECT now FROM moment) OR held.owner = excluded.owner)
    AND held.retry_at <= (SELECT now FROM moment)
RETURNING epoch, expires_at
