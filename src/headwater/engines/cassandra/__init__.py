"""Cassandra: the log and the read models beyond one machine. So far the protocol of its log, without a driver."""
