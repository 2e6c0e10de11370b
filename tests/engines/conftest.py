"""What the enrolments share: a clock set by hand, and Hypothesis at the length asked for."""

from __future__ import annotations

import os
import tracemalloc

import hypothesis
import pytest

from headwater.testing.clock import ManualClock  # after the rewriting of its package

LOADED = (tracemalloc,)
"""By pytest at the first socket that it finds open, if not now; and then it trips over a second one meanwhile."""

EXAMPLES = int(os.environ.get("HEADWATER_EXAMPLES", "60"))
"""Runs of the machine that compares two engines: 2,000 for the full proof."""

hypothesis.settings.register_profile("engines", deadline=None, max_examples=EXAMPLES, stateful_step_count=30)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()
