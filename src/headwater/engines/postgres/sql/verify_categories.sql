-- The categories after one, each with whether it counts the streams there are: their names begin with it and a hyphen.
SELECT
    known.name,
    known.streams = (
        SELECT count(*) FROM {schema}.headwater_streams AS stream
        WHERE stream.name > known.name || '-' AND stream.name < known.name || '.'
    )
FROM (
    SELECT name, sum(streams) AS streams FROM {schema}.headwater_categories
    WHERE name > $1
    GROUP BY name
    ORDER BY name
    LIMIT $2
) AS known
ORDER BY known.name
