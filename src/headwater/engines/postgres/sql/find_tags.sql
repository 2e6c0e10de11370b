-- The tags of events, by partition and offset; those of each in order.
SELECT tagged.partition, tagged."offset", tagged.tag
FROM unnest($1::integer[], $2::bigint[]) AS wanted (partition, "offset")
JOIN {schema}.headwater_tags AS tagged ON tagged.partition = wanted.partition AND tagged."offset" = wanted."offset"
ORDER BY tagged.partition, tagged."offset", tagged.tag
