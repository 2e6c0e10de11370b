-- The newest entries: of one action, of those whose action begins so, of one subject, if asked.
SELECT at, entered_by, action, subject, outcome, details FROM {schema}.headwater_journal
WHERE ($1::text IS NULL OR action = $1)
    AND ($2::text IS NULL OR starts_with(action, $2))
    AND ($3::text IS NULL OR subject = $3)
ORDER BY number DESC
LIMIT $4
