"""The rules of taking over, of a round, and of what is deleted."""

from __future__ import annotations

from headwater.engines.cassandra.protocol.shape import Shape
from tests.cassandra.mutants.planting import Edit
from tests.cassandra.mutants.rule import PROTOCOL, SIMULATOR, Rule
from tests.cassandra.simulator.variant import VARIANTS, Variant

__all__ = ["LOG_RULES"]

TAKEOVER, SEQUENCING, SETTLING = PROTOCOL + "takeover", PROTOCOL + "sequencing", PROTOCOL + "settling"
COLLECTING, DECIDING = PROTOCOL + "collecting", PROTOCOL + "deciding"
WORLD = SIMULATOR + "world"

T3 = "    yield from ask(WriteSettled(offset + 1, owner.part, offset))\n"
LOGGED = "    yield from _acknowledged(_logged(rows))\n"
UNKNOWN = "zip(owed, acknowledged, strict=True) if not known"
FENCED = "if now - since >= shape.patience and (yield from _fenced(intent, chunk)):"
IF_HEAD = 'self.partitions.compare_and_set(request.bucket, {"head": request.head}, statics'
LOST = "            return Round(lost=True)  # whatever it was: take over\n"

LATE = VARIANTS["committed late"]

LOG_RULES = (
    Rule(
        name="a takeover reads the log serially",
        step="T1",
        edits=(
            Edit(
                WORLD,
                "        partition = self.partitions.resolved(request.bucket)\n"
                '        rows = cast("dict[int, LogRow]", partition.rows)',
                "        partition = Partition()\n"
                "        real = self.partitions.of(request.bucket)\n"
                "        partition.statics = real.seen_statics(self.chance)\n"
                '        rows = cast("dict[int, LogRow]", real.seen_rows(self.chance))',
            ),
        ),
    ),
    Rule(
        name="a takeover settles what may not be settled",
        step="T2",
        edits=(
            Edit(SETTLING, "def settle(owner: Ownership)", "def settle(owner: Ownership, chunks: bool = True)"),
            Edit(SETTLING, LOGGED, f"    if chunks:\n    {LOGGED}"),
            Edit(TAKEOVER, "    yield from settle(owner)\n", "    yield from settle(owner, False)\n"),
        ),
    ),
    Rule(
        name="every write of `logged` is acknowledged",
        step="T2",
        edits=(Edit(SETTLING, UNKNOWN, f"{UNKNOWN} and not isinstance(write, WriteLogged)"),),
    ),
    Rule(
        name="`logged` is written with the version as timestamp",
        step="T2",
        edits=(Edit(WORLD, "write(request.timestamp, request.version", "write(self.chance.pick(99), request.version"),),
    ),
    Rule(
        name="`settled` is written after every `logged`",
        step="T3",
        edits=(
            Edit(SETTLING, LOGGED, ""),
            Edit(SETTLING, T3, f"{T3}{LOGGED}"),
        ),
    ),
    Rule(
        name="after an unknown log batch everything is taken over, not its head compared",
        step="T",
        edits=(
            Edit(
                SEQUENCING,
                LOST,
                "            there = yield from ask(ReadBucketSerially(owner.part, bucket, batch[-1].offset))\n"
                "            if answer != Unknown() or there.head != batch[-1].offset:\n"
                "                return Round(lost=True)\n",
            ),
            Edit(
                SEQUENCING,
                "replies import Applied\n",
                "replies import Applied, Unknown\n"
                "from headwater.engines.cassandra.protocol.requests import ReadBucketSerially\n",
            ),
        ),
    ),
    Rule(
        name="after a lost log batch the next is computed anew",
        step="T4",
        edits=(
            Edit(
                SEQUENCING,
                LOST,
                "            owner.head = (yield from take_over(owner.part, shape, lambda: now)).head\n"
                "            again = [((row.stream, row.chunk), row.row) for row in batch]\n"
                "            batch = tuple(_batch(owner.head, _chosen(owner.head, again, shape)))\n"
                "            bucket = shape.bucket_of(batch[0].offset)\n"
                "            expected = owner.head.offset if batch[0].offset > shape.bucket_start(bucket) else None\n"
                "            answer = yield from ask(AppendLog(owner.part, bucket, expected, batch))\n"
                "            if not isinstance(answer, Applied):\n                return Round(lost=True)\n",
            ),
            Edit(SEQUENCING, "import settle\n", f"import settle\nfrom {TAKEOVER} import take_over\n"),
        ),
    ),
    Rule(
        name="the log's time is carried over the end of a bucket",
        step="T1",
        edits=(
            Edit(
                TAKEOVER,
                "            return head, tail  # the log",
                "            return LogHead(head.offset, -1), tail  # the log",
            ),
        ),
    ),
    Rule(
        name="the reconciler looks at every slot",
        step="A",
        edits=(Edit(PROTOCOL + "reconciling", "(yield from ask(ListSlots(part)))", "(1, 2)"),),
    ),
    Rule(
        name="statics are read before rows, and a fence kills only below the head of the same read",
        step="R2, R5",
        edits=(
            Edit(
                COLLECTING,
                "    while asked:  # statics first",
                "    rows = yield from ask_all([ReadRows(*key, 0, 999) for key in asked])\n"
                "    early = dict(zip(asked, rows, strict=True))\n"
                '    for _ in range(12 if asked else 0):\n        yield from ask_all([ReadStatics("pause", 0)])\n'
                "    while asked:",
            ),
            Edit(
                COLLECTING,
                "    for key, rows in zip(starts, found, strict=True):\n",
                "    for key, rows in zip(starts, found, strict=True):\n"
                "        rows = [row for row in early.get(key, rows) if row.version >= starts[key]][:limit]\n",
            ),
            Edit(DECIDING, "    if head > v:\n        return Verdict.HIDDEN\n    if fence", "    if fence"),
        ),
        variant=Variant(
            shape=Shape(events_per_chunk=20, events_per_append=1, events_per_bucket=30),
            streams=1,
            writers=4,
            appends=5,
            sequencers=1,
            faults=0.5,
            crashes=0.0,
            closed=0.0,
            repeats=0.0,
        ),
        schedules=3_000,
    ),
    Rule(
        name="a fence kills only appends conditioned on a lower one",
        step="R5",
        edits=(Edit(DECIDING, "fence > (intent.fence or 0):", "fence > 0:"),),
        variant=VARIANTS["three keys, committed late"],
    ),
    Rule(
        name="a chunk without `logged` begins behind the head of the chunk before, and after it",
        step="R2",
        edits=(
            Edit(
                COLLECTING,
                "    return None if head is None or head < shape.chunk_end(chunk - 1) else head + 1",
                "    return 1",
            ),
            Edit(
                COLLECTING,
                "        if chunk > 0 and seen",
                "        if seen[key].logged == 0:\n            version = min(seen[key].rows or {1: 1})\n"
                "        if False and seen",
            ),
        ),
        variant=LATE,
    ),
    Rule(
        name="a chunk waits until the one before is collected",
        step="R2",
        edits=(Edit(COLLECTING, "        if chunk > 0 and seen", "        if False and seen"),),
        variant=LATE,
    ),
    Rule(
        name="only contiguous rows are taken",
        step="R2",
        edits=(
            Edit(
                COLLECTING,
                "        while (row := rows.get(version)) is not None:\n            taken.append((key, row))\n"
                "            version += 1\n",
                "        for row in rows.values():\n            taken.append((key, row))\n"
                "            version = row.version + 1\n",
            ),
        ),
        variant=LATE,
    ),
    Rule(
        name="what is logged and not settled is remembered",
        step="R2, R4",
        edits=(Edit(SEQUENCING, "set(chunks), owner.memory, owner", "set(chunks), {}, owner"),),
        variant=VARIANTS["lazy settling"],
    ),
    Rule(
        name="the log is written if its head is what the batch was computed from",
        step="R3",
        edits=(Edit(WORLD, IF_HEAD, "self.partitions.compare_and_set(request.bucket, {}, statics"),),
    ),
    Rule(
        name="the first batch of a bucket is written if the bucket has no head",
        step="R3",
        edits=(
            Edit(
                WORLD,
                IF_HEAD,
                "self.partitions.compare_and_set(\n            request.bucket,"
                ' {} if request.head is None else {"head": request.head}, statics',
            ),
        ),
    ),
    Rule(
        name="the log's time is after the time of the offset before",
        step="R3",
        edits=(Edit(SEQUENCING, "offset + 1, max(row.time, time + 1)", "offset + 1, row.time"),),
    ),
    Rule(
        name="the log is written before `logged`",
        step="R4",
        edits=(
            Edit(
                SEQUENCING,
                "        answer = yield from ask(AppendLog(owner.part, bucket, expected, batch))\n",
                "        owner.owed += [row.logged for row in batch]\n        yield from settle(owner)\n"
                "        answer = yield from ask(AppendLog(owner.part, bucket, expected, batch))\n",
            ),
        ),
    ),
    Rule(
        name="an intent is deleted once all of its events are logged, not the first",
        step="R5",
        edits=(Edit(DECIDING, "    if seen.logged >= last:", "    if seen.logged >= v + 1:"),),
    ),
    Rule(
        name="a pending intent is fenced before it is deleted",
        step="R5",
        edits=(Edit(SEQUENCING, FENCED, "if now - since >= shape.patience:"),),
    ),
    Rule(
        name="a fence, not a serial read, before a pending intent is deleted",
        step="R5",
        edits=(
            Edit(
                SEQUENCING,
                "    answer = yield from ask(FenceChunk(intent.stream, intent.chunk, head, intent.fence))\n"
                "    return isinstance(answer, Applied)",
                "    there = yield from ask(ReadRowSerially(intent.stream, intent.chunk, intent.first_version))\n"
                "    return there.row is None or there.row.attempt != intent.attempt",
            ),
        ),
    ),
    Rule(
        name="a bucket of the log is never deleted whole",
        step="D",
        edits=(
            Edit(
                WORLD,
                "        self.partitions.of(request.bucket).rows.clear()\n",
                "        self.partitions._partitions[request.bucket] = Partition()\n",
            ),
        ),
        variant=VARIANTS["old rows deleted"],
    ),
)
