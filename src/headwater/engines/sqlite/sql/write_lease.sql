-- Take or keep a lease.
INSERT INTO headwater_leases (name, owner, epoch, expires_at, retry_at, since) VALUES (?, ?, ?, ?, 0, ?)
ON CONFLICT DO UPDATE SET
    owner = excluded.owner,
    epoch = excluded.epoch,
    expires_at = excluded.expires_at,
    retry_at = 0,
    since = excluded.since
