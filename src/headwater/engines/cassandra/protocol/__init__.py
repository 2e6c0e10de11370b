"""The protocol of the log on Cassandra, told in docs/cassandra-protocol.md: generators that ask, and do no I/O.

A core yields what it wants done, a `Request` or a sequence of them that may be done at once, and is sent the reply, or
the replies in the same order. The simulator of the tests and the driver run the same cores. No clock and no chance is
in them but what is handed in. The numbers in their comments are those of the page.
"""
