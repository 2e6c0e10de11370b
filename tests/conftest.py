"""What every test stands on: a loop that may not block, the data folder, and skips that are counted aloud."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import cast

import hypothesis
import pytest
from blockbuster import BlockBuster, BlockBusterFunction

pytest.register_assert_rewrite("headwater.testing.conformance")

from tests.engines.cassandra_servers import drop_keyspaces, fresh_keyspace_now, new_keyspace_now  # noqa: E402 - after the rewriting of its package
from tests.engines.run_servers import stop_servers  # noqa: E402
from tests.engines.servers import fresh_schema_now  # noqa: E402
from tests.stores import ENGINES, PARTITIONS, URLS, is_left_out  # noqa: E402

NO_SKIP = os.environ.get("HEADWATER_NO_SKIP") == "1"
ON_ANY_LINE = ("time.sleep", "socket.", "ssl.", "sqlite3.", "threading.Lock.")

hypothesis.settings.register_profile("headwater", deadline=None)
hypothesis.settings.load_profile("headwater")


def loop_guard() -> list[BlockBusterFunction]:
    """The calls that raise `BlockingError` on a thread that runs an event loop; other threads may block.

    Waiting (sleep, sockets, locks) is refused on any line, files only below a line of headwater: a test may look at
    the file that the code under test has written.
    """
    waits = [guard for name, guard in BlockBuster().functions.items() if name.startswith(ON_ANY_LINE)]
    files = [guard for name, guard in BlockBuster("headwater").functions.items() if not name.startswith(ON_ANY_LINE)]
    for guard in files:  # an import reads files wherever it stands, once
        guard.can_block_in("<frozen importlib._bootstrap>", "_load_unlocked")
        guard.can_block_in("asyncpg/connect_utils.py", "_parse_connect_dsn_and_args")  # passwords, certificates
    return [*waits, *files]


@pytest.fixture(scope="session", autouse=True)
def _no_blocking_on_the_loop() -> Iterator[None]:
    guards = loop_guard()
    for guard in guards:
        guard.activate()
    yield
    for guard in guards:
        guard.deactivate()


@pytest.fixture(scope="session")
def data() -> Callable[[str], Path]:
    """`data("online_retail")` is that folder of $HEADWATER_DATA; the test is skipped by name where there is none."""

    def folder(name: str) -> Path:
        root = os.environ.get("HEADWATER_DATA")
        if not root:
            pytest.skip(f"HEADWATER_DATA is not set: it names the folder that holds {name}/ with its truth files")
        path = Path(root) / name
        if not path.is_dir():
            pytest.skip(f"$HEADWATER_DATA has no folder {name}/")
        return path

    return folder


@pytest.fixture
def postgres() -> Iterator[str]:
    """The URL of a store that nobody else uses, not made yet, of 4 partitions; skipped where there is no server."""
    with fresh_schema_now(partitions=PARTITIONS) as url:
        yield url


@pytest.fixture
def cassandra(request: pytest.FixtureRequest) -> Iterator[str]:
    """The same of Cassandra: a keyspace that may have been another test's, unless the test is marked `new_store`."""
    keyspace = new_keyspace_now if request.node.get_closest_marker("new_store") else fresh_keyspace_now
    with keyspace(partitions=PARTITIONS) as url:
        yield url


@pytest.fixture
def url_of(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], str]:
    """`url_of("sqlite")` is the URL of a store of that engine that nobody else uses, always the same in one test."""

    def url(engine: str) -> str:
        if engine in ("postgres", "cassandra"):
            return cast("str", request.getfixturevalue(engine))
        return URLS[engine].format(folder=tmp_path)

    return url


@pytest.fixture(params=ENGINES)
def url(request: pytest.FixtureRequest, url_of: Callable[[str], str]) -> str:
    """A fresh store's URL on every engine; on those that several processes share, see `on_shared_stores`."""
    return url_of(request.param)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What is left out is counted as deselected."""
    left_out = [item for item in items if is_left_out(item)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not is_left_out(item)]


def pytest_sessionfinish() -> None:
    drop_keyspaces()
    stop_servers()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if NO_SKIP and report.skipped and not hasattr(report, "wasxfail"):
        _turn_into_failure(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if NO_SKIP and report.skipped:
        _turn_into_failure(report)
    return report


def _turn_into_failure(report: pytest.TestReport | pytest.CollectReport) -> None:
    report.outcome = "failed"
    report.longrepr = f"{_reason(report)}\nskipped, and HEADWATER_NO_SKIP=1 lets nothing be skipped"


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    longrepr = report.longrepr
    return longrepr[2] if isinstance(longrepr, tuple) else str(longrepr)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = terminalreporter.getreports("skipped")
    if not skipped:
        return
    terminalreporter.section(f"NOT RUN: {len(skipped)} skipped")
    for report in skipped:
        terminalreporter.line(f"{report.nodeid}: {_reason(report).removeprefix('Skipped: ')}")
