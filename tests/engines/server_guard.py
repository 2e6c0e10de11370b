"""Removes the server in a folder once the process at the other end of standard input is gone, however it ended."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from headwater.testing.servers import CassandraServer, KafkaServer, PostgresServer, Server, cassandra, postgres


def server_of(engine: str, folder: Path) -> Server:
    """An engine's server for the tests of one run."""
    if engine == "cassandra":
        settings, options = cassandra.FOR_TESTS, cassandra.OPTIONS_FOR_TESTS
        return CassandraServer(folder / "server", settings=settings, options=options)
    if engine == "kafka":
        return KafkaServer(folder / "server")
    return PostgresServer(folder / "server", settings=postgres.FOR_TESTS)


def main(engine: str, folder: Path) -> None:
    os.read(0, 1)
    server_of(engine, folder).delete()
    folder.rmdir()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
