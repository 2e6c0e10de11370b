-- What a store depends on; $1 is its table of events, $2 how many seconds a transaction may stand idle unnoticed.
SELECT
    current_setting('server_version_num')::integer,
    current_setting('server_encoding'),
    pg_is_in_recovery(),
    has_table_privilege($1, 'DELETE'),
    current_setting('fsync'),
    current_setting('full_page_writes'),
    current_setting('synchronous_commit'),
    current_setting('data_checksums'),
    current_setting('max_connections')::integer - current_setting('superuser_reserved_connections')::integer
        - coalesce(current_setting('reserved_connections', TRUE), '0')::integer,
    (
        SELECT count(*) FROM pg_stat_activity
        WHERE state LIKE 'idle in transaction%' AND datname = current_database()
            AND state_change < clock_timestamp() - make_interval(secs => $2::double precision)
    ),
    (SELECT age(datfrozenxid) FROM pg_database WHERE datname = current_database())
