-- Let a projection go on.
DELETE FROM {schema}.headwater_pauses WHERE projection = $1
