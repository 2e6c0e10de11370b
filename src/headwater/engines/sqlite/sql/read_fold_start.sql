-- A stream's version, and the checksum of the event a fold starts after.
SELECT version, (SELECT checksum FROM {events} WHERE stream = id AND version = ?2) FROM headwater_streams WHERE name = ?1
