"""The plan of an import: the rows of events that keep everything but their places."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from headwater.domain.append import Write
from headwater.domain.event import StoredEvent
from headwater.domain.importing import Import
from headwater.domain.stream import StreamId
from headwater.domain.version import NoStream
from headwater.engines.postgres.append_plan import EventRow, Plan, Seen, Standing
from headwater.engines.sql.checksum import checksum, link, seal

__all__ = ["planned_import"]


def planned_import(
    events: Sequence[StoredEvent],
    batch: Import,
    there: Mapping[str, Standing],
    partition_of: Callable[[str], int],
) -> Plan:
    """What is written of an import: `events` are those that are not there yet, in their order."""
    plan = Plan(Seen(there), partition_of, 0)
    for event in events:
        name = event.stream
        standing = plan.streams.get(name) or there.get(name) or _new_stream(plan, batch, name)
        partition = partition_of(standing.partition_key or name)
        place = plan.added[partition]
        chain = link(event.data, standing.chain)
        plan.events.append(_row(event, partition, place, chain))
        plan.tags += [(tag, partition, place) for tag in batch.tags.get(event.event_id, ())]
        plan.added[partition] += 1
        plan.partitions[name] = partition
        plan.streams[name] = Standing(standing.partition_key, event.version, event.timestamp, chain)
    return plan


def _new_stream(plan: Plan, batch: Import, name: str) -> Standing:
    key, (category, _, id) = batch.partition_keys.get(name), name.partition("-")
    plan.new_streams[name] = Write(stream=StreamId(category, id), expected=NoStream(), events=(), partition_key=key)
    return Standing(key, 0, -1, 0)


def _row(event: StoredEvent, partition: int, place: int, chain: int) -> EventRow:
    version, timestamp, id, type, schema = event.version, event.timestamp, event.event_id, event.type, event.schema
    data, context, topic = event.data, event.context, event.topic
    sum = checksum(seal(version, timestamp, id, type, schema, topic, context, data), chain)
    return EventRow(partition, place, event.stream, version, id, timestamp, type, schema, data, context, topic, sum)
