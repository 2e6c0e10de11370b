-- Say that something was committed.
SELECT pg_notify($1, $2)
