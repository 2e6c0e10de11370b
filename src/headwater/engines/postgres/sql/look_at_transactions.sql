-- What differs after every commit: which transactions are over, and which are running.
SELECT pg_current_snapshot()::text
