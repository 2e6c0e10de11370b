"""When events came into the log: the same whether it was read already, or is looked at for that alone."""

from __future__ import annotations

from headwater.engines.cassandra import open_engine
from headwater.engines.cassandra.engine import CassandraEngine
from headwater.engines.cassandra.log_times import LogTimes
from headwater.ports.engine import EngineOptions
from headwater.testing.controls import ANN, append_of
from tests.engines.cassandra_servers import fresh_keyspace


def times_of(engine: CassandraEngine) -> LogTimes:
    return engine._read_side.times  # pyright: ignore[reportPrivateUsage]  # what it remembers shows nowhere else


async def test_times_rise_with_offsets_and_are_the_same_whoever_looks() -> None:
    async with fresh_keyspace(partitions="1") as url:
        reader, other = open_engine(url, EngineOptions()), open_engine(url, EngineOptions())
        await reader.open()
        await other.open()
        await reader.events.append(append_of(ANN, 5))
        assert await reader.log.head(0) == 5
        await reader.log.read(0, 1, 3)
        seen, looked = [await times_of(engine).of(0, range(7)) for engine in (reader, other)]
        assert seen == looked
        assert sorted(seen) == sorted(seen, key=seen.__getitem__)
        assert len(set(seen.values())) == 7
        await reader.close()
        await other.close()


async def test_a_log_that_is_not_here_has_times_too() -> None:
    async with fresh_keyspace(partitions="1") as url:
        engine = open_engine(url, EngineOptions())
        await engine.open()
        assert await times_of(engine).of(3, [0, 9]) == {0: 1, 9: 10}
        assert await times_of(engine).of(3, [-1]) == {}
        await engine.close()
