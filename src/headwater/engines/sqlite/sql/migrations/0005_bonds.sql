-- Whose log the read models follow, and which store this one is a copy of.

ALTER TABLE headwater_store RENAME TO headwater_store_before;

CREATE TABLE headwater_store (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    format INTEGER NOT NULL,
    store_id TEXT NOT NULL,
    secret BLOB NOT NULL,
    event_store TEXT NOT NULL,
    command_store TEXT NOT NULL,
    follows TEXT,
    copy_of TEXT,
    copying INTEGER NOT NULL DEFAULT 0
) STRICT;

INSERT INTO headwater_store (only, format, store_id, secret, event_store, command_store, follows)
SELECT only, format, store_id, secret, event_store, command_store, store_id FROM headwater_store_before;

DROP TABLE headwater_store_before;
