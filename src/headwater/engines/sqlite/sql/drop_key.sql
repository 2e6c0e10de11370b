-- Nobody holds a unique key any more.
DELETE FROM headwater_unique_keys WHERE scope = ? AND value = ?
