-- In which partitions streams lie that are there.
SELECT name, partition FROM {schema}.headwater_streams WHERE name = ANY($1::text[])
