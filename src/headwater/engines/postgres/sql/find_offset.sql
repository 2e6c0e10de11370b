-- Where an event lies.
SELECT partition, "offset" FROM {schema}.{events} WHERE stream = $1 AND version = $2
