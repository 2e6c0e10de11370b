"""Orders of read models: entries that lead to rows, kept where Cassandra sorts."""
