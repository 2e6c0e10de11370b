-- The store becomes a copy of another, or goes on with it; nothing changes where it cannot.
UPDATE headwater_bonds SET copy_of = ?1, copying = 1
WHERE follows IS NULL AND (copy_of = ?1 OR (copy_of IS NULL AND NOT EXISTS (SELECT 1 FROM {events})))
