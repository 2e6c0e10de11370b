-- How many streams a category has.
SELECT coalesce(sum(streams), 0)::bigint FROM {schema}.headwater_categories WHERE name = $1
