-- The store becomes a copy of another, or goes on with it; nothing changes where it cannot.
UPDATE {schema}.headwater_bonds SET copy_of = $1, copying = TRUE
WHERE follows IS NULL AND (copy_of = $1 OR (copy_of IS NULL AND NOT EXISTS (SELECT FROM {schema}.{events})))
