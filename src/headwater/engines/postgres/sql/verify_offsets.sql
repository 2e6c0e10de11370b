-- Of a partition from an offset on: how many of the next $3 offsets have an event, where the partition ends, and whether
-- an event lies behind that.
SELECT
    (
        SELECT count(*) FROM {schema}.{events} AS event
        WHERE event.partition = $1 AND event."offset" >= $2
            AND event."offset" < least($2::bigint + $3::bigint, log.next)
    ),
    log.next,
    coalesce((SELECT max(event."offset") FROM {schema}.{events} AS event WHERE event.partition = $1), -1) >= log.next
FROM {schema}.headwater_partitions AS log
WHERE log.partition = $1
