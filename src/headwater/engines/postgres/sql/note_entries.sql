-- Deeds for the journal, in this order. Now and then all but the newest entries go, $7 of them being kept: numbers may
-- be missing, so rows are counted.
WITH
    noted AS (
        INSERT INTO {schema}.headwater_journal (at, entered_by, action, subject, outcome, details)
        SELECT at, entered_by, action, subject, outcome, details
        FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
            WITH ORDINALITY AS v(at, entered_by, action, subject, outcome, details, place)
        ORDER BY place
        RETURNING number
    ),
    pruned AS (
        DELETE FROM {schema}.headwater_journal
        WHERE (SELECT bool_or(number % $8 = 0) FROM noted)
            AND number <= (SELECT number FROM {schema}.headwater_journal ORDER BY number DESC OFFSET $7 LIMIT 1)
    )
SELECT number FROM noted
