-- A trigger on one of the store's tables, or a view in the place of one: (type, name, table), parameters events, commands.
SELECT type, name, tbl_name
FROM sqlite_schema
WHERE type IN ('trigger', 'view')
    AND (tbl_name LIKE 'headwater\_%' ESCAPE '\' OR lower(tbl_name) IN (?, ?))
LIMIT 1
