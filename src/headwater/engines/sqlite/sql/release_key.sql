-- Give a unique key up; nothing happens if another stream holds it.
DELETE FROM headwater_unique_keys WHERE scope = ? AND value = ? AND stream = ?
