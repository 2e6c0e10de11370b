"""`headwater engines`: real servers on this machine, for trials and tests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final, TypeAlias

import msgspec
import typer

from headwater.cli.confirming import confirmed
from headwater.cli.exits import ExitCode
from headwater.cli.options import DryRunOption, JsonOption, YesOption
from headwater.cli.printing import print_facts, print_json, say
from headwater.cli.verb import verb
from headwater.errors import ConfigurationError
from headwater.testing.servers import (
    CassandraServer,
    KafkaServer,
    PostgresServer,
    Server,
    ServerStatus,
    cassandra,
    postgres,
)
from headwater.testing.servers.account import state_folder

__all__ = ["engines"]


class ServerName(StrEnum):
    CASSANDRA = "cassandra"
    KAFKA = "kafka"
    POSTGRES = "postgres"


def _cassandra(folder: Path, port: int | None, nodes: int | None, for_tests: bool) -> Server:
    if for_tests:
        return CassandraServer(folder, port, nodes, cassandra.FOR_TESTS, cassandra.OPTIONS_FOR_TESTS)
    return CassandraServer(folder, port, nodes)


def _kafka(folder: Path, port: int | None, nodes: int | None, for_tests: bool) -> Server:
    _must_be_one("Kafka", nodes)
    return KafkaServer(folder, port)  # it forces nothing to the disk as it is


def _postgres(folder: Path, port: int | None, nodes: int | None, for_tests: bool) -> Server:
    _must_be_one("PostgreSQL", nodes)
    return PostgresServer(folder, port, postgres.FOR_TESTS if for_tests else {})


def _must_be_one(server: str, nodes: int | None) -> None:
    if nodes not in {None, 1}:
        raise ConfigurationError(f"{server} is one server here: leave --nodes away")


SERVERS: Final[Mapping[ServerName, Callable[[Path, int | None, int | None, bool], Server]]] = {
    ServerName.CASSANDRA: _cassandra,
    ServerName.KAFKA: _kafka,
    ServerName.POSTGRES: _postgres,
}
"""A server in a folder, on a port, of so many nodes, for tests only or not."""

engines = typer.Typer(help="Start and stop a real server for trials and tests on this machine.", no_args_is_help=True)

ServerArgument: TypeAlias = Annotated[ServerName, typer.Argument(help="Which server.", metavar="SERVER")]
FolderOption: TypeAlias = Annotated[
    Path | None, typer.Option("--folder", help="Its data and its log; else with the user's state.")
]
PortOption: TypeAlias = Annotated[
    int | None, typer.Option("--port", min=1, max=65_535, help="Else the last one, else a free one.")
]


@engines.command("up")
@verb
async def up(
    server: ServerArgument,
    folder: FolderOption = None,
    port: PortOption = None,
    nodes: Annotated[
        int | None, typer.Option("--nodes", help="Of Cassandra: 1 or 3; else as it was made, or 1.")
    ] = None,
    for_tests: Annotated[
        bool,
        typer.Option("--for-tests", help="Faster; what it holds may be lost should it be killed, or the machine fail."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Start a server, made first if need be, and print its URL; one that runs is left alone.

    It listens on loopback addresses only. PostgreSQL's URL names the file with its password, which only you can read;
    Cassandra and Kafka let in whoever is on this machine.
    """
    made = _server(server, folder, port, nodes, for_tests)
    await asyncio.to_thread(made.start)
    _print(await asyncio.to_thread(made.status), as_json)


@engines.command("status")
@verb
async def status(server: ServerArgument, folder: FolderOption = None, as_json: JsonOption = False) -> ExitCode | None:
    """Say whether a server runs and answers; exits with 3 if it does not."""
    found = await asyncio.to_thread(_server(server, folder).status)
    _print(found, as_json)
    return None if found.answers else ExitCode.STORE


@engines.command("down")
@verb
async def down(
    server: ServerArgument,
    folder: FolderOption = None,
    delete: Annotated[bool, typer.Option("--delete", help="Remove its folder too, with every store in it.")] = False,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Stop a server in good order. Its data stays, unless it is to be deleted."""
    made = _server(server, folder)
    deed = f"stop {server} and remove {str(made.folder)!r} with every store in it" if delete else f"stop {server}"
    if not confirmed(deed, dry_run=dry_run, yes=yes or not delete):
        return
    ran = (await asyncio.to_thread(made.status)).pid is not None
    await asyncio.to_thread(made.delete if delete else made.stop)
    if as_json:
        print_json({"engine": server, "stopped": ran, "deleted": delete})
    else:
        say(f"{server} is stopped" if ran else f"{server} was not running")


def _server(
    name: ServerName,
    folder: Path | None,
    port: int | None = None,
    nodes: int | None = None,
    for_tests: bool = False,
) -> Server:
    return SERVERS[name](folder or state_folder(name), port, nodes, for_tests)


def _print(status: ServerStatus, as_json: bool) -> None:
    if as_json:
        print_json(msgspec.to_builtins(status))
    else:
        print_facts(msgspec.structs.asdict(status) | {"answers": "yes" if status.answers else "no"})
