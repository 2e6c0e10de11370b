"""The pure part: messages, streams, versions, aggregates. No await, no clock, no I/O."""
