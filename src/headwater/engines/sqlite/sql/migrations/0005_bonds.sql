-- Whose log the read models follow, and which store this one is a copy of.

CREATE TABLE headwater_bonds (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    follows TEXT,
    copy_of TEXT,
    copying INTEGER NOT NULL DEFAULT 0
) STRICT;

INSERT INTO headwater_bonds (only, follows) VALUES (1, (SELECT store_id FROM headwater_store));
