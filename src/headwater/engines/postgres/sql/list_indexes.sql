-- The indexes of a table that are like ours: their columns, which of them are descending, whether they are inverted
-- ones, their names, and whether they are whole.
SELECT columns, descending, a.amname = 'gin', format('%I.%I', n.nspname, c.relname), i.indisvalid
FROM pg_index AS i
    JOIN pg_class AS c ON c.oid = i.indexrelid
    JOIN pg_am AS a ON a.oid = c.relam
    JOIN pg_class AS t ON t.oid = i.indrelid
    JOIN pg_namespace AS n ON n.oid = t.relnamespace,
    LATERAL (
        SELECT array_agg(f.attname::text ORDER BY k.place) AS columns,
            array_agg(o.option & 1 = 1 ORDER BY k.place) AS descending,
            bool_and((o.option & 2 = 2) = ((o.option & 1 = 1) = f.attnotnull)) AS is_ours
        FROM unnest(i.indkey::smallint[]) WITH ORDINALITY AS k(number, place)
            JOIN unnest(i.indoption::smallint[]) WITH ORDINALITY AS o(option, place) USING (place)
            JOIN pg_attribute AS f ON f.attrelid = i.indrelid AND f.attnum = k.number
    ) AS described
WHERE n.nspname = (parse_ident($1))[1] AND t.relname = (parse_ident($1))[2]
    AND NOT i.indisunique AND i.indpred IS NULL AND i.indexprs IS NULL AND i.indnatts = i.indnkeyatts
    AND (a.amname = 'btree' AND is_ours OR a.amname = 'gin' AND i.indnatts = 1)
ORDER BY i.indexrelid
