-- The newest entries: of one action, of those whose action begins so, of one subject, if asked.
SELECT at, entered_by, action, subject, outcome, details FROM headwater_journal
WHERE (?1 IS NULL OR action = ?1)
    AND (?2 IS NULL OR substr(action, 1, length(?2)) = ?2)
    AND (?3 IS NULL OR subject = ?3)
ORDER BY number DESC
LIMIT ?4
