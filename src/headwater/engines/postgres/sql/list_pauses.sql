-- The projections that stand still.
SELECT projection, paused_by, reason, since FROM {schema}.headwater_pauses ORDER BY projection
