-- Generations of projections, checkpoints by generation and range of keys, and what the read side tells of itself.

CREATE TABLE headwater_projections (
    name TEXT PRIMARY KEY,
    generations INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE headwater_generations (
    projection TEXT NOT NULL,
    number INTEGER NOT NULL,
    version INTEGER NOT NULL,
    fingerprint TEXT NOT NULL,
    key_ranges INTEGER NOT NULL,
    state TEXT NOT NULL,
    began_at INTEGER NOT NULL,
    tables TEXT NOT NULL,
    PRIMARY KEY (projection, number)
) STRICT, WITHOUT ROWID;

INSERT INTO headwater_projections (name, generations) SELECT DISTINCT projection, 1 FROM headwater_checkpoints;

INSERT INTO headwater_generations (projection, number, version, fingerprint, key_ranges, state, began_at, tables)
SELECT DISTINCT projection, 0, 1, '', 1, 'serving', 0, '[]' FROM headwater_checkpoints;

ALTER TABLE headwater_checkpoints RENAME TO headwater_checkpoints_before;

CREATE TABLE headwater_checkpoints (
    projection TEXT NOT NULL,
    partition INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    key_range INTEGER NOT NULL,
    "offset" INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    effects INTEGER NOT NULL,
    PRIMARY KEY (projection, partition, generation, key_range)
) STRICT, WITHOUT ROWID;

INSERT INTO headwater_checkpoints (projection, partition, generation, key_range, "offset", epoch, effects)
SELECT projection, partition, 0, 0, "offset", epoch, "offset" FROM headwater_checkpoints_before;

DROP TABLE headwater_checkpoints_before;

DROP INDEX headwater_parked_key;

ALTER TABLE headwater_parked RENAME TO headwater_parked_before;

CREATE TABLE headwater_parked (
    projection TEXT NOT NULL,
    generation INTEGER NOT NULL,
    partition INTEGER NOT NULL,
    "offset" INTEGER NOT NULL,
    key TEXT NOT NULL,
    type TEXT NOT NULL,
    error TEXT,
    trace TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    parked_at INTEGER NOT NULL,
    retry_at INTEGER,
    data BLOB,
    PRIMARY KEY (projection, generation, partition, "offset")
) STRICT;

CREATE INDEX headwater_parked_key ON headwater_parked (projection, generation, partition, key, "offset");

INSERT INTO headwater_parked (
    projection, generation, partition, "offset", key, type, error, trace, attempts, parked_at, retry_at, data
)
SELECT projection, 0, partition, "offset", key, type, error, trace, attempts, parked_at, NULL, data
FROM headwater_parked_before;

DROP TABLE headwater_parked_before;

ALTER TABLE headwater_leases RENAME TO headwater_leases_before;

CREATE TABLE headwater_leases (
    name TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    retry_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO headwater_leases (name, owner, epoch, expires_at, retry_at)
SELECT name, owner, epoch, expires_at, 0 FROM headwater_leases_before;

DROP TABLE headwater_leases_before;

CREATE TABLE headwater_changes (
    table_name TEXT PRIMARY KEY,
    changes INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE headwater_pauses (
    projection TEXT PRIMARY KEY,
    paused_by TEXT NOT NULL,
    reason TEXT NOT NULL,
    since INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE headwater_troubles (
    projection TEXT NOT NULL,
    partition INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    key_range INTEGER NOT NULL,
    kind TEXT NOT NULL,
    error TEXT NOT NULL,
    "offset" INTEGER NOT NULL,
    since INTEGER NOT NULL,
    owner TEXT NOT NULL,
    failures INTEGER NOT NULL,
    retry_at INTEGER,
    PRIMARY KEY (projection, partition, generation, key_range)
) STRICT, WITHOUT ROWID;

CREATE TABLE headwater_journal (
    number INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    entered_by TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    outcome TEXT NOT NULL,
    details TEXT NOT NULL
) STRICT;
