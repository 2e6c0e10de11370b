-- Until the end of the transaction, wait for each lock no longer than so many milliseconds.
SELECT set_config('lock_timeout', least($1::int, setting::int)::text, true)
FROM pg_settings
WHERE name = 'lock_timeout' AND setting::int <> 0
