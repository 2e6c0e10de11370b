"""Events between parts of an application and between services."""
