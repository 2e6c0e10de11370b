-- Where streams stand.
SELECT name, partition_key, version, last_timestamp, chain FROM {schema}.headwater_streams WHERE name = ANY($1::text[])
