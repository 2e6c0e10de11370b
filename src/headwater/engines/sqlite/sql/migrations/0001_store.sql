-- Events, streams and what is kept beside them.

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

CREATE TABLE headwater_checkpoints (
    projection TEXT NOT NULL,
    partition INTEGER NOT NULL,
    "offset" INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    PRIMARY KEY (projection, partition)
) STRICT, WITHOUT ROWID;

CREATE TABLE headwater_parked (
    projection TEXT NOT NULL,
    partition INTEGER NOT NULL,
    "offset" INTEGER NOT NULL,
    key TEXT NOT NULL,
    type TEXT NOT NULL,
    error TEXT,
    trace TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    parked_at INTEGER NOT NULL,
    data BLOB,
    PRIMARY KEY (projection, partition, "offset")
) STRICT;

CREATE INDEX headwater_parked_key ON headwater_parked (projection, key);

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
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
