-- The store at a glance, how many bytes the tables in its schema take, and the server it is on.
SELECT
    store.store_id,
    store.format,
    store.partitions,
    (SELECT coalesce(sum(next), 0)::bigint FROM {schema}.headwater_partitions),
    (SELECT coalesce(sum(streams), 0)::bigint FROM {schema}.headwater_categories),
    (
        SELECT coalesce(sum(pg_total_relation_size(relation.oid)), 0)::bigint
        FROM pg_class AS relation JOIN pg_namespace AS schema ON schema.oid = relation.relnamespace
        WHERE schema.nspname = $1 AND relation.relkind = 'r'
    ),
    current_setting('server_version'),
    current_setting('synchronous_commit'),
    CASE WHEN pg_is_in_recovery() THEN 'standby' ELSE 'primary' END,
    (SELECT count(*) FROM pg_stat_replication),
    current_setting('synchronous_standby_names')
FROM {schema}.headwater_store AS store
