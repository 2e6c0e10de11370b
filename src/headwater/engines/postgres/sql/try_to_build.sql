-- Until the end of the session, nobody else builds indexes of read models in this schema. Whoever waited in a statement
-- for that would be waited for by the one that builds.
SELECT pg_try_advisory_lock(hashtext('headwater indexes'), hashtext($1))
