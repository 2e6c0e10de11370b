-- Snapshots after a place, each with whether it is ahead of its stream.
SELECT kept.stream, kept.kind, kept.version, kept.state, kept.checksum, kept.version > coalesce(stream.version, 0)
FROM {schema}.headwater_snapshots AS kept LEFT JOIN {schema}.headwater_streams AS stream ON stream.name = kept.stream
WHERE (kept.stream, kept.kind) > ($1, $2)
ORDER BY kept.stream, kept.kind
LIMIT $3
