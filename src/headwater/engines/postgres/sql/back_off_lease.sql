-- Give a lease back, if it is still the owner's, and keep everybody from it for $5 microseconds from now, which is $4 or
-- by the server's clock.
UPDATE {schema}.headwater_leases
SET expires_at = 0,
    retry_at = coalesce($4::bigint, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint) + $5::bigint
WHERE name = $1 AND owner = $2 AND epoch = $3
