-- How many events and streams there are, and pages of how many bytes.
SELECT
    (SELECT coalesce(max("offset") + 1, 0) FROM {events}),
    (SELECT coalesce(sum(streams), 0) FROM headwater_categories),
    (SELECT page_count FROM pragma_page_count),
    (SELECT page_size FROM pragma_page_size)
