"""Pipelines from mappings: `[{"$group": {"_id": "$status", "n": {"$sum": 1}}}, {"$sort": {"n": -1}}]`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeAlias, cast

from headwater.errors import InvalidCriteria, LimitExceeded
from headwater.models.criteria_parsing import parse_criteria
from headwater.models.ordering import check_rows, parse_order
from headwater.models.pipeline import (
    Accumulator,
    Drop,
    Group,
    Limit,
    Match,
    Pipeline,
    Project,
    Skip,
    Sort,
    Stage,
    Unwind,
)
from headwater.models.shown import shown

__all__ = ["PipelineLike", "parse_pipeline"]

PipelineLike: TypeAlias = Sequence[Stage | Mapping[str, object]]

_STAGES: Final = 32
_OPERATORS: Final = frozenset({"$sum", "$avg", "$min", "$max", "$count", "$addToSet"})


def parse_pipeline(stages: PipelineLike) -> Pipeline:
    """A pipeline from stages in either form.

    Raises:
        InvalidCriteria: for an unknown stage or a form it does not take.
        LimitExceeded: for more than 32 stages.
    """
    if not isinstance(stages, list | tuple):
        raise InvalidCriteria(f"a pipeline is a list of stages, got {shown(stages)}")
    if len(stages) > _STAGES:
        raise LimitExceeded("the stages of a pipeline", len(stages), _STAGES)
    return tuple([_stage(stage) for stage in stages])


def _stage(stage: object) -> Stage:
    if isinstance(stage, Stage):
        return stage
    named = _mapping("a stage", stage)
    if len(named) != 1:
        raise InvalidCriteria(f"a stage is a mapping of one entry such as {{'$match': ...}}, got {shown(stage)}")
    ((name, value),) = named.items()
    parse = _PARSERS.get(name)
    if parse is None:
        raise InvalidCriteria(f"unknown stage {shown(name)}: use one of {', '.join(_PARSERS)}")
    return parse(value)


def _group(value: object) -> Stage:
    given = dict(_mapping("$group", value))
    if "_id" not in given:
        raise InvalidCriteria("$group needs `_id`: a '$field', a mapping of names to '$field', or None for all rows")
    by = given.pop("_id")
    return Group(_by(by), {name: _accumulator(name, each) for name, each in given.items()})


def _by(value: object) -> dict[str, str]:
    if value is None:
        return {}
    if isinstance(value, str):
        return {"_id": _reference(value)}
    by = {name: _reference(each) for name, each in _mapping("_id", value).items()}
    if not by:
        raise InvalidCriteria("`_id` of $group is an empty mapping: use None for all rows")
    if "_id" in by:
        raise InvalidCriteria("`_id` of $group cannot hold another `_id`: give it a name")
    return by


def _accumulator(name: str, value: object) -> Accumulator:
    given = _mapping(f"{name!r} in $group", value)
    if len(given) != 1 or not _OPERATORS.issuperset(given):
        known = ", ".join(sorted(_OPERATORS))
        raise InvalidCriteria(f"{shown(name)} in $group takes exactly one of {known}, got {shown(list(given))}")
    ((operator, operand),) = given.items()
    if operator == "$count":
        if operand is None or operand == {}:
            return Accumulator("$count")
        raise InvalidCriteria("$count counts rows and takes {}: use $sum for a field")
    if operator == "$sum" and type(operand) is int:
        return Accumulator("$sum", operand)
    return Accumulator(cast("object", operator), _reference(operand))  # type: ignore[arg-type]


def _project(value: object) -> Stage:
    given = _mapping("$project", value)
    dropped = [name for name, each in given.items() if _is_flag(each, 0)]
    if given and len(dropped) == len(given):
        return Drop(tuple(dropped))
    if dropped not in ([], ["_id"]):
        raise InvalidCriteria(
            "$project either keeps fields (1 or '$field') or drops them (0); only `_id` may be dropped too"
        )
    return Project({n: n if _is_flag(each, 1) else _reference(each) for n, each in given.items() if n not in dropped})


def _is_flag(value: object, flag: int) -> bool:
    return type(value) in {int, bool} and value == flag


def _sort(value: object) -> Stage:
    return Sort(parse_order(_mapping("$sort", value) if isinstance(value, Mapping) else value))  # type: ignore[arg-type]


def _limit(value: object) -> Stage:
    return Limit(check_rows(cast("int", value), "$limit"))


def _skip(value: object) -> Stage:
    return Skip(check_rows(cast("int", value), "$skip"))


def _reference(value: object) -> str:
    if not isinstance(value, str) or len(value) < 2 or not value.startswith("$"):
        raise InvalidCriteria(f"a field is named as '$field' here, got {shown(value)}")
    return value[1:]


def _mapping(what: str, value: object) -> Mapping[str, object]:
    refused = f"{what} takes a mapping of names, got {shown(value)}"
    if not isinstance(value, Mapping):
        raise InvalidCriteria(refused)
    given = cast("Mapping[object, object]", value)
    if not all(isinstance(name, str) for name in given):
        raise InvalidCriteria(refused)
    return cast("Mapping[str, object]", given)


_PARSERS: Final[dict[str, Callable[[object], Stage]]] = {
    "$match": lambda value: Match(parse_criteria(_mapping("$match", value))),
    "$group": _group,
    "$sort": _sort,
    "$limit": _limit,
    "$skip": _skip,
    "$project": _project,
    "$unwind": lambda value: Unwind(_reference(value)),
}
