"""Removes the server in a folder once the process at the other end of standard input is gone, however it ended."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from headwater.testing.servers import PostgresServer


def main(folder: Path) -> None:
    os.read(0, 1)
    PostgresServer(folder / "server").delete()
    folder.rmdir()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
