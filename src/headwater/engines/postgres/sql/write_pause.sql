-- Have a projection stand still.
INSERT INTO {schema}.headwater_pauses (projection, paused_by, reason, since) VALUES ($1, $2, $3, $4)
ON CONFLICT (projection) DO UPDATE SET
    paused_by = excluded.paused_by, reason = excluded.reason, since = excluded.since
