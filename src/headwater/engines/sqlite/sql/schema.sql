-- The store as of the newest migration: what all of them add up to.

CREATE TABLE headwater_store (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    format INTEGER NOT NULL,
    store_id TEXT NOT NULL,
    secret BLOB NOT NULL,
    event_store TEXT NOT NULL,
    command_store TEXT NOT NULL
) STRICT;

CREATE TABLE headwater_streams (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    category TEXT NOT NULL,
    partition_key TEXT,
    version INTEGER NOT NULL,
    last_timestamp INTEGER NOT NULL,
    chain INTEGER NOT NULL
) STRICT;

CREATE TABLE headwater_categories (
    name TEXT PRIMARY KEY,
    streams INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE {events} (
    "offset" INTEGER PRIMARY KEY,
    stream INTEGER NOT NULL,
    version INTEGER NOT NULL,
    event_id BLOB NOT NULL UNIQUE,
    timestamp INTEGER NOT NULL,
    type TEXT NOT NULL,
    schema INTEGER NOT NULL,
    data BLOB NOT NULL,
    context BLOB NOT NULL,
    topic TEXT,
    checksum INTEGER NOT NULL,
    UNIQUE (stream, version)
) STRICT;

CREATE TABLE {commands} (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    result BLOB NOT NULL,
    error TEXT,
    writes BLOB NOT NULL,
    principal TEXT,
    timestamp INTEGER NOT NULL
) STRICT;

CREATE INDEX {commands}_refused ON {commands} (number) WHERE error IS NOT NULL;

CREATE TABLE headwater_unique_keys (
    scope TEXT NOT NULL,
    value TEXT NOT NULL,
    stream INTEGER NOT NULL,
    PRIMARY KEY (scope, value)
) STRICT, WITHOUT ROWID;

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

CREATE TABLE headwater_snapshots (
    stream TEXT NOT NULL,
    kind TEXT NOT NULL,
    version INTEGER NOT NULL,
    state BLOB NOT NULL,
    checksum INTEGER NOT NULL,
    PRIMARY KEY (stream, kind)
) STRICT;

CREATE TABLE headwater_leases (
    name TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    retry_at INTEGER NOT NULL,
    since INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE headwater_read_models (
    table_name TEXT PRIMARY KEY,
    declaration TEXT NOT NULL
) STRICT, WITHOUT ROWID;

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

CREATE TABLE headwater_tags (
    tag TEXT NOT NULL,
    "offset" INTEGER NOT NULL,
    PRIMARY KEY (tag, "offset")
) STRICT, WITHOUT ROWID;

CREATE INDEX headwater_tags_offset ON headwater_tags ("offset");

CREATE TABLE headwater_bonds (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    follows TEXT,
    copy_of TEXT,
    copying INTEGER NOT NULL DEFAULT 0
) STRICT;
