-- Have a projection stand still.
INSERT OR REPLACE INTO headwater_pauses (projection, paused_by, reason, since) VALUES (?, ?, ?, ?)
