-- Counts that differ from their source: what, where.
SELECT 'offsets with a hole: events are missing', 'partition ' || log.partition
FROM {schema}.headwater_partitions AS log
WHERE log.next <> (SELECT count(*) FROM {schema}.{events} AS event WHERE event.partition = log.partition)
    OR log.next <> coalesce(
        (SELECT max(event."offset") + 1 FROM {schema}.{events} AS event WHERE event.partition = log.partition), 0
    )
UNION ALL
SELECT 'another number of events than its version', stream.name
FROM {schema}.headwater_streams AS stream
LEFT JOIN (
    SELECT event.stream, count(*) AS events FROM {schema}.{events} AS event GROUP BY event.stream
) AS found ON found.stream = stream.name
WHERE stream.version <> coalesce(found.events, 0)
UNION ALL
SELECT 'a category counts other streams than there are', coalesce(counted.name, found.name)
FROM (
    SELECT name, sum(streams)::bigint AS streams FROM {schema}.headwater_categories GROUP BY name
) AS counted
FULL JOIN (
    SELECT category AS name, count(*) AS streams FROM {schema}.headwater_streams GROUP BY category
) AS found ON found.name = counted.name
WHERE counted.streams IS DISTINCT FROM found.streams
UNION ALL
SELECT 'a unique key held by no stream', held.scope || ' ' || held.value
FROM {schema}.headwater_unique_keys AS held
WHERE NOT EXISTS (SELECT 1 FROM {schema}.headwater_streams AS stream WHERE stream.name = held.stream)
