"""The comparison with the truth can fail."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from headwater.demo.truth import compare, find_truth


@pytest.mark.parametrize(
    ("ours", "truth", "equal"),
    [
        ("2.50", "2.5", True),
        ("2.51", "2.5", False),
        ([["a", "1.0"]], [["a", "1.00"]], True),
        ([["a", "1.0"]], [["b", "1.0"]], False),
        ([1], [1, 2], False),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        ({"b": 2, "a": 1}, {"a": 1, "b": 2}, True),
        (1, True, False),
        ("0536", "536", False),
    ],
)
def test_amounts_are_equal_as_decimals_and_the_rest_as_written(ours: object, truth: object, equal: bool) -> None:
    compared = compare({"key": ours}, {"key": truth})
    assert compared.holds is equal
    assert compared.equal == (("key",) if equal else ())


def test_only_shared_keys_are_compared() -> None:
    compared = compare({"a": 1, "b": 2}, {"b": 2, "c": 3})
    assert compared.equal == ("b",)
    assert compared.holds


def test_the_truth_is_the_one_for_so_many_events(tmp_path: Path) -> None:
    (tmp_path / "truth.json").write_text(json.dumps({"events": 10, "a": 1}))
    (tmp_path / "truth_3.json").write_text(json.dumps({"events": 3, "a": 2}))
    (tmp_path / "truth_at.json").write_text(json.dumps([{"position": 5}, {"position": 10}]))
    assert find_truth(tmp_path, 3) == ("truth_3.json", {"events": 3, "a": 2})
    assert find_truth(tmp_path, 4) is None
    found = find_truth(tmp_path, 10)
    assert found is not None
    assert found[1]["at"] == [{"position": 5}, {"position": 10}]
