"""CassandraServer: a cluster of one node or three on this machine, in a folder of its own, for trials and faults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from headwater.errors import ConfigurationError, StoreError, StoreUnavailable
from headwater.testing.servers import processes
from headwater.testing.servers.account import Account
from headwater.testing.servers.cassandra.layout import Layout, lay_out, read_layout, write_layout
from headwater.testing.servers.cassandra.node import CassandraNode
from headwater.testing.servers.server import ServerStatus

__all__ = ["FOR_TESTS", "OPTIONS_FOR_TESTS", "QUICK_START", "CassandraServer"]

FOR_TESTS: Final[Mapping[str, str]] = {"commitlog_total_space": "512MiB", "key_cache_size": "0MiB"}
"""Settings for stores that nobody misses: they take little room."""
QUICK_START: Final[Sequence[str]] = ("-XX:TieredStopAtLevel=1",)
"""Options of Java's with which a node is ready sooner, and slower in the long run."""
OPTIONS_FOR_TESTS: Final[Sequence[str]] = (
    *QUICK_START,
    "-Dcassandra.skip_sync=true",
    "-Dcassandra.unsafesystem=true",
)
"""Java's for stores that nobody misses: nothing is forced to the disk, and a new table is written to no file at once. A
table is made some eight times as fast, and is lost if the process is killed, though not if it is stopped."""

_KEYSPACE: Final = "headwater"


class CassandraServer:
    """A cluster below `folder`, for connections from this machine, without a password.

    `port` and `nodes` are taken over from the first start, else a free one, and 1. `settings` go into cassandra.yaml
    and `options` to Java at each start; an empty setting leaves its line away. As root it runs as `cassandra` or
    `nobody`, who must be able to reach the folder.
    """

    name: Final = "cassandra"

    def __init__(
        self,
        folder: Path,
        port: int | None = None,
        nodes: int | None = None,
        settings: Mapping[str, str] | None = None,
        options: Sequence[str] = (),
    ) -> None:
        self.folder = folder
        self._asked_port = port
        self._asked_nodes = nodes
        self._settings = dict(settings or {})
        self._options = tuple(options)
        self._account = Account("cassandra", "nobody")
        self._layout = folder / "cluster.json"

    @property
    def nodes(self) -> list[CassandraNode]:
        """Each can be stopped, crashed and frozen on its own. Raises StoreUnavailable where none has been made."""
        layout = read_layout(self._layout)
        if layout is None:
            raise StoreUnavailable(f"no Cassandra was made in {str(self.folder)!r}: start one")
        return self._nodes_of(layout)

    @property
    def url(self) -> str:
        """Of a keyspace that whoever opens it makes. Raises StoreUnavailable where no cluster has been made."""
        return self.url_of(_KEYSPACE)

    def url_of(self, keyspace: str) -> str:
        """The port, which is said once, is that of every host."""
        layout = read_layout(self._layout)
        if layout is None:
            raise StoreUnavailable(f"no Cassandra was made in {str(self.folder)!r}: start one")
        return f"cassandra://{','.join(layout.hosts)}:{layout.port}/{keyspace}"

    @property
    def pid(self) -> int | None:
        """Of the first node that runs; None if none does."""
        return next(filter(None, (node.pid for node in self._made())), None)

    def start(self) -> None:
        """See Server; returns once every node answers and sees the others."""
        nodes = self._nodes_of(self._laid_out())
        for node in nodes:
            node.launch()
        for node in nodes:
            node.wait(see_all=len(nodes) > 1)

    def stop(self) -> bool:
        """See Server."""
        self.thaw()
        running = [pid for node in self._made() if (pid := node.pid)]
        processes.end(running)
        return bool(running)

    def restart(self) -> None:
        """Stop and start on the same ports."""
        self.stop()
        self.start()

    def kill(self) -> None:
        """All nodes at once; see CassandraNode."""
        for node in self._made():
            node.kill()

    def freeze(self) -> None:
        """All nodes; see CassandraNode."""
        for node in self._made():
            node.freeze()

    def thaw(self) -> None:
        """After `freeze`; `start` waits until they see each other."""
        for node in self._made():
            node.thaw()

    def status(self) -> ServerStatus:
        """See Server; it answers if every node does."""
        nodes, pid = self._made(), self.pid
        versions = [] if pid is None else [_version(node) for node in nodes]
        return ServerStatus(
            engine=self.name,
            url=self.url if nodes else "",
            folder=str(self.folder),
            pid=pid,
            answers=bool(versions) and all(versions),
            version=next(filter(None, versions), ""),
        )

    def delete(self) -> None:
        """See Server."""
        for node in self._made():
            node.delete()
        self._layout.unlink(missing_ok=True)
        with suppress(OSError):  # what others have put there stays
            self.folder.rmdir()

    def _laid_out(self) -> Layout:
        """As it was made, but on another port if that is asked for and no node runs."""
        layout = read_layout(self._layout) or lay_out(self._asked_nodes or 1, self._asked_port)
        if self._asked_nodes not in {None, len(layout.hosts)}:
            raise ConfigurationError(
                f"the cluster in {str(self.folder)!r} was made with nodes={len(layout.hosts)}, and "
                f"{self._asked_nodes} are asked for: name another folder, or delete it first"
            )
        if self._asked_port and self.pid is None:
            layout = msgspec.structs.replace(layout, port=self._asked_port)
        self.folder.mkdir(parents=True, exist_ok=True)
        write_layout(self._layout, layout)
        return layout

    def _made(self) -> list[CassandraNode]:
        layout = read_layout(self._layout)
        return [] if layout is None else self._nodes_of(layout)

    def _nodes_of(self, layout: Layout) -> list[CassandraNode]:
        return [
            CassandraNode(
                self.folder / f"node{number + 1}", layout, number, self._account, self._settings, self._options
            )
            for number in range(len(layout.hosts))
        ]


def _version(node: CassandraNode) -> str:
    try:
        return node.version()
    except StoreError:
        return ""
