-- One deed for the journal.
INSERT INTO headwater_journal (at, entered_by, action, subject, outcome, details) VALUES (?, ?, ?, ?, ?, ?)
RETURNING number
