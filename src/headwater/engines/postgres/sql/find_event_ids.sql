-- Which of these event ids the log holds.
SELECT event_id FROM {schema}.{events} WHERE event_id = ANY($1::uuid[])
