"""The write side: handlers, the bus, repositories, middleware."""
