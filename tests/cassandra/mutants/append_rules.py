"""The rules of locating and appending."""

from __future__ import annotations

from headwater.engines.cassandra.protocol.shape import Shape
from tests.cassandra.mutants.planting import Edit
from tests.cassandra.mutants.rule import PROTOCOL, SIMULATOR, Rule
from tests.cassandra.simulator.variant import VARIANTS, Variant

__all__ = ["APPEND_RULES"]

APPENDING, LOCATING = PROTOCOL + "appending", PROTOCOL + "locating"
PLACE, PARTITION = PROTOCOL + "place", SIMULATOR + "partition"
WORLD, ROLES = SIMULATOR + "world", SIMULATOR + "roles"

BROKEN = VARIANTS["faults 35 %, crashes 5 %"]
OFTEN_REPEATED = Variant(
    shape=Shape(events_per_chunk=6, events_per_append=2, events_per_bucket=5, events_per_log_batch=4),
    streams=1,
    repeats=0.6,
    commits_late=True,
)

APPEND_RULES = (
    Rule(
        name="the chunk is v / C, whether the events fit or not",
        step="1.1",
        edits=(
            Edit(
                ROLES,
                "        slot = CLOSED_SLOT if",
                "        if place.version + len(rows) > shape.chunk_end(place.chunk) and place.head is not None:\n"
                "            place = msgspec.structs.replace(place, chunk=place.chunk + 1, head=None, fence=None)\n"
                "        slot = CLOSED_SLOT if",
            ),
        ),
    ),
    Rule(
        name="a chunk without a head takes an append only after the head of the chunk before was seen",
        step="1.1",
        edits=(
            Edit(
                LOCATING,
                "        elif seen.head is not None or place.chunk == 0 or place.version > 0:\n",
                "        else:\n"
                "            version = place.version or place.chunk * shape.events_per_chunk\n"
                "            return msgspec.structs.replace(place, version=version)\n"
                "        if seen.head is not None:\n",
            ),
        ),
    ),
    Rule(
        name="a place tells the time of the stream's last event",
        step="1.1",
        edits=(Edit(LOCATING, "    time = place.time if seen.time is None else seen.time\n", "    time = -1\n"),),
    ),
    Rule(
        name="the time of the last event is carried over the end of a chunk",
        step="1.1",
        edits=(
            Edit(LOCATING, "chunk=place.chunk + 1, head=None", "chunk=place.chunk + 1, time=-1, head=None"),
            Edit(PLACE, "None, None, time, key)", "None, None, -1, key)"),
        ),
    ),
    Rule(
        name="the partition key is carried over the end of a chunk",
        step="1.1",
        edits=(
            Edit(LOCATING, "chunk=place.chunk + 1, head=None", "chunk=place.chunk + 1, partition_key=None, head=None"),
            Edit(PLACE, "None, None, time, key)", "None, None, time)"),
        ),
    ),
    Rule(
        name="an append says the partition key of its stream again",
        step="1.3",
        edits=(
            Edit(
                APPENDING,
                "place.fence, rows, place.partition_key)",
                "place.fence, rows, place.partition_key if place.version == 0 else None)",
            ),
        ),
    ),
    Rule(
        name="head and time are cells of one row, of which a read sees both or none",
        step="1.3",
        edits=(
            Edit(
                PARTITION,
                "        return self.statics | dict(self.limbo.statics) if chance.pick(2) else self.statics\n",
                "        seen = {name: value for name, value in self.limbo.statics.items() if chance.pick(2)}\n"
                "        return self.statics | seen\n",
            ),
        ),
        variant=VARIANTS["committed late"],
    ),
    Rule(
        name="a new attempt id for every try",
        step="1.2",
        edits=(Edit(ROLES, "attempt = name.encode()", "attempt = name[:2].encode()"),),
    ),
    Rule(
        name="an intent at all",
        step="1.2",
        edits=(Edit(APPENDING, "if not (yield from _announce(intent, shape)):", "if False:"),),
    ),
    Rule(
        name="the intent is acknowledged before the append is tried",
        step="1.2",
        edits=(
            Edit(APPENDING, "INTENT_TRIES = 3", "INTENT_TRIES = 1"),
            Edit(
                APPENDING, "            return True\n    return False\n", "            return True\n    return True\n"
            ),
        ),
    ),
    Rule(
        name="timestamps of an intent follow from its slot",
        step="1.2, 1.5",
        edits=(
            Edit(WORLD, "cell.write(request.timestamp, intent, fate)", "cell.write(self.chance.pick(9), intent, fate)"),
            Edit(
                WORLD, "cell.write(request.timestamp, DELETED, fate)", "cell.write(self.chance.pick(9), DELETED, fate)"
            ),
        ),
    ),
    Rule(
        name="the append is conditioned on the fence",
        step="1.3",
        edits=(
            Edit(
                WORLD,
                '        expected = {"head": request.head, "fence": request.fence}\n        statics',
                '        expected = {"head": request.head}\n        statics',
            ),
        ),
    ),
    Rule(
        name="not applied after an unknown answer is resolved by the attempt id",
        step="1.4",
        edits=(
            Edit(
                APPENDING,
                "            if isinstance((yield from ask(write)), Applied):\n                return Committed()\n",
                "            again = yield from ask(write)\n"
                "            if isinstance(again, Applied):\n                return Committed()\n"
                "            if isinstance(again, NotApplied):\n                return Conflict(None)\n",
            ),
        ),
        variant=BROKEN,
    ),
    Rule(
        name="unknown is not a failure",
        step="1.4",
        edits=(
            Edit(
                APPENDING,
                "return (yield from _resolve(place, write, shape, late))",
                'return CertainFailure("")',
            ),
        ),
    ),
    Rule(
        name="no failure is reported at the deadline without a fence of one's own",
        step="1.4 c",
        edits=(
            Edit(
                APPENDING,
                "            if isinstance((yield from ask(_fence(place))), Applied):",
                "            if True:",
            ),
        ),
    ),
    Rule(
        name="a fence that was not applied decides nothing",
        step="1.4 c",
        edits=(
            Edit(
                APPENDING,
                "            if isinstance((yield from ask(_fence(place))), Applied):",
                "            if isinstance((yield from ask(_fence(place))), Applied | NotApplied):",
            ),
        ),
        variant=BROKEN,
    ),
    Rule(
        name="a command is looked up in a read that shows every row up to its head",
        step="1.6",
        edits=(
            Edit(
                LOCATING,
                "        if seen.rows == seen.highest == (seen.statics.head or 0) >= final:\n",
                "        if True:\n",
            ),
        ),
        variant=OFTEN_REPEATED,
    ),
    Rule(
        name="in the chunk before, that read shows its final head",
        step="1.6",
        edits=(Edit(LOCATING, "(seen.statics.head or 0) >= final:", "(seen.statics.head or 0):"),),
        variant=VARIANTS["commands repeated, committed late"],
    ),
    Rule(
        name="in later chunks a command is looked up serially",
        step="1.6",
        edits=(
            Edit(
                WORLD,
                "        partition = self.partitions.resolved(key)\n"
                '        rows = cast("Mapping[int, EventRow]", partition.rows)\n'
                "        return _command_seen(self._statics(key, partition.statics), rows.values(), request.command)\n",
                "        statics = self.partitions.of(key).seen_statics(self.chance)\n"
                "        rows = self._seen_rows(key)\n"
                "        return _command_seen(self._statics(key, statics), rows.values(), request.command)\n",
            ),
        ),
        variant=OFTEN_REPEATED,
    ),
    Rule(
        name="the append is conditioned on the head that the look-up saw, not on one that is read after it",
        step="1.6",
        edits=(
            Edit(
                LOCATING,
                "    return Found(place, None",
                "    place = yield from locate(part, stream, shape, place.chunk)\n    return Found(place, None",
            ),
        ),
        variant=OFTEN_REPEATED,
    ),
    Rule(
        name="a command is looked up in the chunk before too",
        step="1.6",
        edits=(Edit(LOCATING, "    if place.chunk > 0:  # whose head is final", "    if False:"),),
        variant=OFTEN_REPEATED,
    ),
)
