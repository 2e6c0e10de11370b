-- Counts that differ from their source: what, where.
SELECT 'offsets with a hole: events are missing', ''
FROM (SELECT count(*) AS events, max("offset") AS last FROM {events}) WHERE events > 0 AND events <> last + 1
UNION ALL
SELECT 'another number of events than its version', stream.name
FROM headwater_streams AS stream
WHERE stream.version <> (SELECT count(*) FROM {events} AS event WHERE event.stream = stream.id)
UNION ALL
SELECT 'a category counts other streams than there are', coalesce(counted.name, found.name)
FROM headwater_categories AS counted
FULL JOIN (SELECT category AS name, count(*) AS streams FROM headwater_streams GROUP BY category) AS found
    ON found.name = counted.name
WHERE counted.streams IS NOT found.streams
UNION ALL
SELECT 'a unique key held by no stream', held.scope || ' ' || held.value
FROM headwater_unique_keys AS held
WHERE NOT EXISTS (SELECT 1 FROM headwater_streams AS stream WHERE stream.id = held.stream)
UNION ALL
SELECT 'a tag of an event that is not there', tagged.tag || ' offset ' || tagged."offset"
FROM headwater_tags AS tagged
WHERE NOT EXISTS (SELECT 1 FROM {events} AS event WHERE event."offset" = tagged."offset")
