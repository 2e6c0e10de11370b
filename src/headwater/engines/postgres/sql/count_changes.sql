-- One more change of each of these tables, in the row of one partition, by one engine; $1 is sorted.
-- changes_elsewhere is what had changed before this engine's row of changes began.
INSERT INTO {schema}.headwater_changes AS counted (table_name, partition, changes, engine, changes_elsewhere)
SELECT name, $2, 1, $3, 0 FROM unnest($1::text[]) AS name
ON CONFLICT (table_name, partition) DO UPDATE SET
    changes = counted.changes + 1,
    engine = excluded.engine,
    changes_elsewhere = CASE WHEN counted.engine = excluded.engine THEN counted.changes_elsewhere ELSE counted.changes END
