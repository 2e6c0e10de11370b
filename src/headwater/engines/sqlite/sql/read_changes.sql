-- How often the rows of a read model have changed.
SELECT changes FROM headwater_changes WHERE table_name = ?
