-- What a store depends on: the version of the server, whether it is a standby, whether this role may delete events, and settings.
SELECT
    current_setting('server_version_num')::integer,
    pg_is_in_recovery(),
    has_table_privilege($1, 'DELETE'),
    current_setting('fsync'),
    current_setting('full_page_writes'),
    current_setting('synchronous_commit'),
    current_setting('data_checksums')
