"""CassandraNode: one process of a cluster, in a folder of its own; it can be crashed and frozen for tests."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from headwater.errors import StoreError, StoreUnavailable
from headwater.testing.servers.account import Account
from headwater.testing.servers.cassandra.jars import find_jars, find_java
from headwater.testing.servers.cassandra.layout import Layout
from headwater.testing.servers.cassandra.native_protocol import ALL, ONE, ask
from headwater.testing.servers.kept_process import KeptProcess
from headwater.testing.servers.ports import must_be_free

__all__ = ["CassandraNode"]

PATIENCE = 5.0
"""Seconds in which a node answers, if it does."""
_WORK_SECONDS: Final = 30.0
"""For a statement that may be long, such as one that changes the schema."""
_START_SECONDS: Final = 180.0
_POLL_SECONDS: Final = 0.1
_HEAPS: Final = {1: "512m", 3: "320m"}
"""By the number of nodes that share the machine."""
_SHIPPED: Final = Path(__file__).parent
_MAIN: Final = "org.apache.cassandra.service.CassandraDaemon"
_VERSION: Final = "SELECT release_version FROM system.local"
_ON_ALL: Final = "SELECT keyspace_name FROM system_distributed.view_build_status LIMIT 1"
"""Of a keyspace that lies on each of three nodes."""


class CassandraNode:
    """`number` counts from 0; for `settings` and `options` see CassandraServer."""

    def __init__(
        self,
        folder: Path,
        layout: Layout,
        number: int,
        account: Account,
        settings: Mapping[str, str],
        options: Sequence[str],
    ) -> None:
        self.folder = folder = folder.resolve()
        self.host = layout.hosts[number]
        self._layout = layout
        self._number = number
        self._account = account
        self._settings = settings
        self._options = options
        self._conf = folder / "conf"
        self._data = folder / "data"
        self._tmp = folder / "tmp"
        self._process = KeptProcess(folder, account, str(self._conf))

    @property
    def pid(self) -> int | None:
        """None if it does not run."""
        return self._process.pid

    def launch(self) -> None:
        """Let it begin to start; one that runs is left alone. See `start` for what may be raised."""
        if self.pid is not None:
            return
        java, jars = find_java(), find_jars()
        must_be_free(self.host, (self._layout.port, self._layout.storage_port))
        self._configure()
        self._process.launch([str(java), *self._java_options(), "-cp", f"{jars}/*", _MAIN])

    def start(self) -> None:
        """Return once it answers; the others of its cluster may see it later.

        Raises ConfigurationError if its programs are not installed or cannot use the folder, StoreUnavailable if it
        does not come up.
        """
        self.launch()
        self.wait(see_all=False)

    def wait(self, *, see_all: bool) -> None:
        """Return once it answers, and if asked for sees all nodes of its cluster. Raises StoreUnavailable."""
        deadline = time.monotonic() + _START_SECONDS
        while not self.answers(see_all=see_all):
            if self.pid is None or time.monotonic() > deadline:
                raise StoreUnavailable(
                    f"Cassandra does not start in {str(self.folder)!r}: {self._process.last_words()}"
                )
            time.sleep(_POLL_SECONDS)

    def stop(self) -> bool:
        """In good order; returns once it is gone. False if it did not run."""
        return self._process.stop()

    def restart(self) -> None:
        """Stop and start."""
        self.stop()
        self.start()

    def kill(self) -> None:
        """At once, as when its machine fails; what the system holds for the disk is kept."""
        self._process.kill()

    def freeze(self) -> None:
        """It stands still: connections stay open, and it does not answer."""
        self._process.freeze()

    def thaw(self) -> None:
        """After `freeze`."""
        self._process.thaw()

    def answers(self, *, see_all: bool = False) -> bool:
        """Whether it answers a query; with `see_all` one for which all nodes of its cluster must be up to it."""
        try:
            if see_all:
                ask(self.host, self._layout.port, _ON_ALL, PATIENCE, ALL)
            else:
                self.version()
        except StoreError:
            return False
        return True

    def version(self) -> str:
        """As the node says it. Raises StoreError."""
        return ask(self.host, self._layout.port, _VERSION, PATIENCE)[0][0]

    def query(self, statement: str, consistency: int = ONE) -> list[list[str]]:
        """The rows that a statement answers, whose columns must be texts. Raises StoreUnavailable or StoreError."""
        return ask(self.host, self._layout.port, statement, _WORK_SECONDS, consistency)

    def delete(self) -> None:
        """End it, and remove all it keeps."""
        self.kill()
        if self.folder.exists():
            shutil.rmtree(self.folder)

    def _configure(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._account.must_reach(self._data)
        for folder in (self._conf, self._data, self._tmp):
            folder.mkdir(exist_ok=True)
        for name in ("jvm.options", "logback.xml"):
            shutil.copy(_SHIPPED / name, self._conf)
        settings = {**_shipped_settings(), **self._place(), **self._settings}
        (self._conf / "cassandra.yaml").write_text(
            "".join(f"{key}: {value}\n" for key, value in settings.items() if value)
        )
        for path in (self._data, self._tmp):
            self._account.own(path)

    def _place(self) -> dict[str, str]:
        """What only this node has."""
        layout = self._layout
        seeds = ",".join(f"{host}:{layout.storage_port}" for host in layout.hosts)
        seed_provider = "org.apache.cassandra.locator.SimpleSeedProvider"
        return {
            "listen_address": self.host,
            "rpc_address": self.host,
            "native_transport_port": str(layout.port),
            "storage_port": str(layout.storage_port),
            "seed_provider": f'[{{class_name: {seed_provider}, parameters: [{{seeds: "{seeds}"}}]}}]',
            "initial_token": str(self._number * 2**64 // len(layout.hosts) - 2**63),
        }

    def _java_options(self) -> list[str]:
        heap = _HEAPS[len(self._layout.hosts)]
        return [
            f"@{self._conf / 'jvm.options'}",
            f"-Xms{heap}",
            f"-Xmx{heap}",
            f"-Djava.io.tmpdir={self._tmp}",
            f"-Dcassandra.config={(self._conf / 'cassandra.yaml').as_uri()}",
            f"-Dcassandra.storagedir={self._data}",
            f"-Dlogback.configurationFile={(self._conf / 'logback.xml').as_uri()}",
            *self._options,
        ]


def _shipped_settings() -> dict[str, str]:
    lines = (_SHIPPED / "cassandra.yaml").read_text().splitlines()
    return dict(line.split(": ", 1) for line in lines if not line.startswith("#"))
