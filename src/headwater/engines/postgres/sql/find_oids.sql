-- The tables of these names as of the transaction's snapshot. What they are called now may be something else.
SELECT c.relname::text, c.oid
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname = ANY($2::text[]) AND c.relkind = 'r'
