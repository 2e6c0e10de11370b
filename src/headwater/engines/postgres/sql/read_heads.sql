-- Where all partitions end.
SELECT partition, next FROM {schema}.headwater_partitions
