"""The figures of the PostgreSQL engine: every side on one server, durable as in production."""
