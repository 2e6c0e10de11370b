-- How far every projection is.
SELECT projection, partition, "offset", epoch FROM headwater_checkpoints ORDER BY projection, partition
