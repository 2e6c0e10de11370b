-- Forget entries up to a number.
DELETE FROM headwater_journal WHERE number <= ?
