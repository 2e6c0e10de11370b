-- One deed for the journal. Now and then all but the newest entries go, $7 of them being kept: numbers may be missing,
-- so rows are counted.
WITH
    noted AS (
        INSERT INTO {schema}.headwater_journal (at, entered_by, action, subject, outcome, details)
        VALUES ($1, $2, $3, $4, $5, $6)
        RETURNING number
    ),
    pruned AS (
        DELETE FROM {schema}.headwater_journal
        WHERE (SELECT number % $8 = 0 FROM noted)
            AND number <= (SELECT number FROM {schema}.headwater_journal ORDER BY number DESC OFFSET $7 LIMIT 1)
    )
SELECT number FROM noted
