-- One more change of each of these tables, in the row of one partition; $1 is sorted.
INSERT INTO {schema}.headwater_changes AS counted (table_name, partition, changes)
SELECT name, $2, 1 FROM unnest($1::text[]) AS name
ON CONFLICT (table_name, partition) DO UPDATE SET changes = counted.changes + 1
