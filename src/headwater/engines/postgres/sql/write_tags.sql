-- The tags of new events.
INSERT INTO {schema}.headwater_tags (tag, partition, "offset")
SELECT tag, partition, "offset"
FROM unnest($1::text[], $2::integer[], $3::bigint[]) AS tagged (tag, partition, "offset")
