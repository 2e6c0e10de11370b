-- The id of a stream's event.
SELECT event_id FROM {schema}.{events} WHERE stream = $1 AND version = $2
