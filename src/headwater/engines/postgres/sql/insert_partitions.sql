-- The partitions of a new log, each empty.
INSERT INTO {schema}.headwater_partitions (partition, next)
SELECT number, 0 FROM generate_series(0, $1::integer - 1) AS number
