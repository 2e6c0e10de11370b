"""ErrorPolicy: what becomes of an event by class of error."""

from __future__ import annotations

from typing import Any

import pytest

from headwater.errors import BadDeclaration
from headwater.projections.error_policy import ErrorPolicy, policy_for


@pytest.mark.parametrize(
    "fields",
    [
        {"retries": -1},
        {"retries": 1.5},
        {"retries": True},
        {"delay": -0.1},
        {"delay": float("inf")},
        {"delay": float("nan")},
        {"then": "forget"},
        {"again_after": 0},
        {"again_after": float("inf")},
    ],
)
def test_a_policy_that_cannot_work_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(BadDeclaration):
        ErrorPolicy(**fields)


def test_the_nearest_class_of_an_error_counts() -> None:
    errors, lookups, default = ErrorPolicy(retries=1), ErrorPolicy(retries=2), ErrorPolicy()
    policies = {Exception: errors, LookupError: lookups}
    assert policy_for(KeyError(), policies, default) is lookups
    assert policy_for(ValueError(), policies, default) is errors
    assert policy_for(ValueError(), {LookupError: lookups}, default) is default


def test_pauses_double_and_end_with_the_retries() -> None:
    policy = ErrorPolicy(retries=3, delay=0.5)
    assert [policy.pause(attempts) for attempts in (1, 2, 3, 4)] == [0.5, 1.0, 2.0, None]
    assert ErrorPolicy(retries=0).pause(1) is None


def test_rests_double_up_to_an_hour_or_what_is_declared() -> None:
    policy = ErrorPolicy(again_after=900)
    assert [policy.rest(times) for times in (0, 1, 2, 3, 10_000)] == [900, 1_800, 3_600, 3_600, 3_600]
    assert ErrorPolicy(again_after=7_200).rest(5) == 7_200
    assert ErrorPolicy().rest(1) is None
