"""CQRS and event sourcing for Python, from one SQLite file to Cassandra and Kafka, by changing one URL."""

from importlib.metadata import version

__all__ = ["__version__"]

__version__ = version("headwater")
