"""The read side's questions: handlers, the bus, the cache."""
