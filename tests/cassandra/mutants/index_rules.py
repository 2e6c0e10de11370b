"""The rules of what is written beside the log: offsets, names, counts, and places of commands."""

from __future__ import annotations

import msgspec

from tests.cassandra.mutants.planting import Edit
from tests.cassandra.mutants.rule import PROTOCOL, SIMULATOR, Rule
from tests.cassandra.simulator.variant import VARIANTS

__all__ = ["INDEX_RULES"]

SETTLING, TAKEOVER = PROTOCOL + "settling", PROTOCOL + "takeover"
TABLE, WORLD = SIMULATOR + "index_table", SIMULATOR + "world"

T3 = "    yield from ask(WriteSettled(offset + 1, owner.part, offset))\n"
KNOWN = "zip(owed, acknowledged, strict=True) if not known"
LOGGED, INDEXES = "    yield from _acknowledged(_logged(rows))\n", "    yield from _acknowledged(indexes)\n"
COUNTS = "        *_counts(owner.part, rows, owner.counts),\n"

MANY = VARIANTS["many streams, lazy, three sequencers"]
RIVALS = msgspec.structs.replace(MANY, sequencers=5, rounds=3, faults=0.1)
REPEATED = VARIANTS["commands repeated, committed late"]


def _not_written(lines: str) -> tuple[Edit, ...]:
    return (Edit(SETTLING, lines, ""),)


def _not_acknowledged(kind: str) -> tuple[Edit, ...]:
    return (Edit(SETTLING, KNOWN, f"{KNOWN} and not isinstance(write, {kind})"),)


def _afterwards(lines: str) -> tuple[Edit, ...]:
    return (
        Edit(SETTLING, lines, ""),
        Edit(SETTLING, LOGGED, f"{LOGGED}    yield from _acknowledged([\n{lines}    ])\n"),
    )


NAMES, COMMANDS = "        *_names(owner.part, rows),\n", "        *_commands(owner.part, rows),\n"

INDEX_RULES = (
    Rule(
        name="every row is told its own offset",
        step="T2",
        edits=(Edit(SETTLING, "append((row.version, row.offset))", "append((row.version, rows[-1].offset))"),),
    ),
    Rule(
        name="every row is told its offset, not the last of its chunk alone",
        step="T2",
        edits=(Edit(SETTLING, "version, tuple(offsets))", "version, tuple(offsets[-1:]))"),),
    ),
    Rule(
        name="a row of which only the offset is visible is none",
        step="T2",
        edits=(Edit(WORLD, "    return [row for row in rows if row.attempt]", "    return list(rows)"),),
        variant=REPEATED,
    ),
    Rule(name="the names of streams are written", step="T2", edits=_not_written(NAMES)),
    Rule(name="the counts of streams are written", step="T2", edits=_not_written(COUNTS)),
    Rule(name="the places of commands are written", step="T2", edits=_not_written(COMMANDS)),
    Rule(name="every write of names is acknowledged", step="T2", edits=_not_acknowledged("WriteNames")),
    Rule(name="every write of a count is acknowledged", step="T2", edits=_not_acknowledged("WriteCount")),
    Rule(name="every write of a command's place is acknowledged", step="T2", edits=_not_acknowledged("WriteCommand")),
    Rule(name="`logged` is written after every name", step="T2", edits=_afterwards(NAMES)),
    Rule(name="`logged` is written after every count", step="T2", edits=_afterwards(COUNTS)),
    Rule(name="`logged` is written after every command's place", step="T2", edits=_afterwards(COMMANDS)),
    Rule(
        name="`settled` is written after names, counts and commands' places",
        step="T3",
        edits=(
            Edit(WORLD, "        self.indexes.logged(request)\n", ""),
            Edit(SETTLING, INDEXES, ""),
            Edit(SETTLING, T3, f"{T3}{INDEXES}"),
        ),
    ),
    Rule(
        name="a count is written with its offset as timestamp",
        step="T2",
        edits=(Edit(TABLE, "request.timestamp, Count(", "self._chance.pick(99), Count("),),
        variant=MANY,
    ),
    Rule(
        name="a command's place is written with its offset as timestamp",
        step="T2",
        edits=(Edit(TABLE, "cell.write(request.timestamp, request.offset", "cell.write(9, -request.offset"),),
        variant=MANY,
    ),
    Rule(
        name="a takeover goes on from the counts that are there",
        step="T1",
        edits=(Edit(TAKEOVER, "counts=dict(counts)", "counts={}"),),
        variant=MANY,
    ),
    Rule(
        name="the counts are read after `settled`",
        step="T1",
        edits=(
            Edit(TAKEOVER, "    counts = yield from ask(ReadCounts(part))\n", ""),
            Edit(
                TAKEOVER,
                "    settled = yield from ask(ReadSettled(part))\n",
                "    counts = yield from ask(ReadCounts(part))\n    settled = yield from ask(ReadSettled(part))\n",
            ),
        ),
        variant=RIVALS,
    ),
    Rule(
        name="streams at or below a count's offset are not counted again",
        step="T2",
        edits=(Edit(SETTLING, "if row.is_birth and row.offset > count.offset:", "if row.is_birth:"),),
    ),
    Rule(
        name="a count that covers what is settled is written again, be it seen",
        step="T2",
        edits=(
            Edit(
                SETTLING,
                "    _count(rows, owner.counts)\n",
                "    before = dict(owner.counts)\n    _count(rows, owner.counts)\n",
            ),
            Edit(
                SETTLING,
                COUNTS,
                "        *[\n"
                "            write\n"
                "            for write in _counts(owner.part, rows, owner.counts)\n"
                "            if before.get(write.category) != owner.counts[write.category]\n"
                "        ],\n",
            ),
        ),
        variant=MANY,
    ),
)
