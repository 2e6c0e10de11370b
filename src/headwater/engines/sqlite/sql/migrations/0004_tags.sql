-- The tags of events, by which boundaries find them.

CREATE TABLE headwater_tags (
    tag TEXT NOT NULL,
    "offset" INTEGER NOT NULL,
    PRIMARY KEY (tag, "offset")
) STRICT, WITHOUT ROWID;

CREATE INDEX headwater_tags_offset ON headwater_tags ("offset");
