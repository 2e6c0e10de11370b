-- The plain indexes of a table in the orders of ours: their columns, and which of them are descending.
SELECT names, descending
FROM pg_index AS i
    JOIN pg_class AS c ON c.oid = i.indexrelid
    JOIN pg_am AS a ON a.oid = c.relam
    JOIN pg_class AS t ON t.oid = i.indrelid
    JOIN pg_namespace AS n ON n.oid = t.relnamespace,
    LATERAL (
        SELECT array_agg(f.attname::text ORDER BY k.place) AS names,
            array_agg(o.option & 1 = 1 ORDER BY k.place) AS descending,
            bool_and((o.option & 2 = 2) = ((o.option & 1 = 1) = f.attnotnull)) AS is_ours
        FROM unnest(i.indkey::smallint[]) WITH ORDINALITY AS k(number, place)
            JOIN unnest(i.indoption::smallint[]) WITH ORDINALITY AS o(option, place) USING (place)
            JOIN pg_attribute AS f ON f.attrelid = i.indrelid AND f.attnum = k.number
    ) AS described
WHERE n.nspname = (parse_ident($1))[1] AND t.relname = (parse_ident($1))[2]
    AND a.amname = 'btree' AND i.indisvalid AND NOT i.indisunique
    AND i.indpred IS NULL AND i.indexprs IS NULL AND i.indnatts = i.indnkeyatts
    AND is_ours
ORDER BY i.indexrelid
