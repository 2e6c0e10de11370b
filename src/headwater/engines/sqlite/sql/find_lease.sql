-- The last lease of a name.
SELECT owner, epoch, expires_at, retry_at, since FROM headwater_leases WHERE name = ?
