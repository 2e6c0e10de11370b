"""The rules of unique keys."""

from __future__ import annotations

import msgspec

from tests.cassandra.mutants.planting import Edit
from tests.cassandra.mutants.rule import PROTOCOL, SIMULATOR, Rule
from tests.cassandra.simulator.variant import VARIANTS

__all__ = ["KEY_RULES"]

CLAIMING, APPENDING = PROTOCOL + "claiming", PROTOCOL + "appending"
KEY_TABLE, ROLES = SIMULATOR + "key_table", SIMULATOR + "roles"

KEYS = VARIANTS["two keys"]
BROKEN = VARIANTS["one key, faults 30 %"]
CHANGING = VARIANTS["one key, writes land late"]
UNANSWERED = msgspec.structs.replace(BROKEN, faults=0.5, unanswered=0.3, crashes=0.01)

CONFIRMED = 'return self._write(request.key, {"attempt": request.attempt}, _cells'
DROPPED = 'return self._write(request.key, {"attempt": request.attempt}, cells'

KEY_RULES = (
    Rule(
        name="no append is tried before its keys name it",
        step="K1",
        edits=(Edit(APPENDING, "(yield from _reserve(place, rows[0], shape, late))", "None"),),
        variant=KEYS,
    ),
    Rule(
        name="an unknown answer is no reservation",
        step="K1",
        edits=(
            Edit(
                CLAIMING,
                "        if isinstance(answer, Applied):\n            return None\n        if late",
                "        if not isinstance(answer, NotApplied):\n            return None\n        if late",
            ),
        ),
        variant=KEYS,
    ),
    Rule(
        name="a key is reserved if it is as it was seen",
        step="K1",
        edits=(Edit(KEY_TABLE, "self._write(request.key, expected, cells", "self._write(request.key, {}, cells"),),
        variant=KEYS,
    ),
    Rule(
        name="a key's turn rises with every reservation, so that one that lands late is refused",
        step="K1",
        edits=(Edit(KEY_TABLE, '_attempt(seen.reservation), "turn": seen.turn}', "_attempt(seen.reservation)}"),),
        variant=CHANGING,
    ),
    Rule(
        name="a key that is given up is reserved too",
        step="K1",
        edits=(
            Edit(
                CLAIMING,
                "    for key, claims in changed_keys(first):\n        mine",
                "    for key, claims in changed_keys(first):\n"
                "        if not claims:\n            continue\n        mine",
            ),
        ),
        variant=KEYS,
    ),
    Rule(
        name="a key is reserved anew for each attempt",
        step="K1",
        edits=(
            Edit(
                CLAIMING,
                "            if pending.attempt == mine.attempt:\n",
                "            if pending.stream == mine.stream:\n",
            ),
        ),
        variant=BROKEN,
    ),
    Rule(
        name="a reservation that is in the way is not passed over",
        step="K2",
        edits=(Edit(CLAIMING, "        if pending is not None:\n", "        if False:\n"),),
        variant=KEYS,
    ),
    Rule(
        name="a reservation that is not decided is fenced",
        step="K2",
        edits=(Edit(CLAIMING, "if isinstance((yield from ask(fence)), Applied):", "if fence:"),),
        variant=KEYS,
    ),
    Rule(
        name="a fence that was refused decides nothing about a reservation",
        step="K2",
        edits=(
            Edit(
                CLAIMING,
                "if isinstance((yield from ask(fence)), Applied):",
                "if isinstance((yield from ask(fence)), Applied | NotApplied):",
            ),
        ),
        variant=VARIANTS["one key, nobody waits"],
    ),
    Rule(
        name="a committed reservation has changed the holder",
        step="K2",
        edits=(
            Edit(
                CLAIMING,
                "            holder = pending.holder_after if committed else holder\n",
                "            holder = seen.holder\n",
            ),
        ),
        variant=KEYS,
    ),
    Rule(
        name="a reservation is decided by its attempt id",
        step="K2",
        edits=(
            Edit(
                CLAIMING,
                "        if there.row is not None:\n            return there.row.attempt == pending.attempt\n",
                "        if there.row is not None:\n            return True\n",
            ),
        ),
        variant=KEYS,
    ),
    Rule(
        name="a key that another holds is refused",
        step="K3",
        edits=(Edit(CLAIMING, "if mine.claims and holder not in (None, mine.stream):", "if False:"),),
        variant=KEYS,
    ),
    Rule(
        name="a stream may claim its own key",
        step="K3",
        edits=(Edit(CLAIMING, "holder not in (None, mine.stream):", "holder is not None:"),),
        variant=KEYS,
    ),
    Rule(
        name="a reservation leaves the holder as he is until it is decided",
        step="K3",
        edits=(Edit(CLAIMING, "seen.reserved(holder, mine)", "seen.reserved(None, mine)"),),
        variant=BROKEN,
    ),
    Rule(
        name="a reservation is dropped only after a certain failure",
        step="K4",
        edits=(
            Edit(
                APPENDING,
                "    if not isinstance(outcome, Committed | OutcomeUnknown):\n",
                "    if isinstance(outcome, OutcomeUnknown):\n        yield from drop(rows[0])\n"
                "    if not isinstance(outcome, Committed | OutcomeUnknown):\n",
            ),
        ),
        variant=UNANSWERED,
    ),
    Rule(
        name="only one's own reservation is dropped",
        step="K4",
        edits=(Edit(KEY_TABLE, DROPPED, "return self._write(request.key, {}, cells"),),
        variant=KEYS,
    ),
    Rule(
        name="only one's own reservation is confirmed",
        step="R6",
        edits=(Edit(KEY_TABLE, CONFIRMED, "return self._write(request.key, {}, _cells"),),
        variant=KEYS,
    ),
    Rule(
        name="who asks for a holder does not take a reservation for one",
        step="K5",
        edits=(
            Edit(
                CLAIMING,
                "    return pending.holder_after if committed else seen.holder\n",
                "    return pending.holder_after\n",
            ),
        ),
        variant=KEYS,
    ),
    Rule(
        name="who asks for a holder looks at what reserved the key",
        step="K5",
        edits=(
            Edit(
                CLAIMING,
                "    return pending.holder_after if committed else seen.holder\n",
                "    return seen.holder\n",
            ),
        ),
        variant=KEYS,
    ),
)
