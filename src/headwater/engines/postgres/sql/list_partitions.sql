-- The partitions of the log.
SELECT partition FROM {schema}.headwater_partitions ORDER BY partition
