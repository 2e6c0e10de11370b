-- When a lease was taken or backed off: a moment still to come tells that the clock has stepped back.

ALTER TABLE headwater_leases RENAME TO headwater_leases_before;

CREATE TABLE headwater_leases (
    name TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    retry_at INTEGER NOT NULL,
    since INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO headwater_leases (name, owner, epoch, expires_at, retry_at, since)
SELECT name, owner, epoch, expires_at, retry_at, 0 FROM headwater_leases_before;

DROP TABLE headwater_leases_before;
