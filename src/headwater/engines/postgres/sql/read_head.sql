-- The offset that the next event of a partition gets.
SELECT next FROM {schema}.headwater_partitions WHERE partition = $1
