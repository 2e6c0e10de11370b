"""Names: read models by class, table or class name, and rows by `{"id": …}`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final, cast

from headwater.errors import DuplicateName, InvalidCriteria, InvalidIdentifier, UnknownName
from headwater.models.model import ReadModel, schema_of
from headwater.models.shown import shown

_PLAIN: Final = frozenset({str, int})
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}\Z")

__all__ = ["ModelNames", "key_in"]


class ModelNames:
    """The read models of a store by their names; raises DuplicateName for two of one name."""

    def __init__(self, models: Iterable[type[ReadModel]]) -> None:
        self.models: tuple[type[ReadModel], ...] = ()
        self._named: dict[str, type[ReadModel]] = {}
        self.add(*models)

    def add(self, *models: type[ReadModel]) -> None:
        """Know more; adding one twice is fine."""
        for model in dict.fromkeys(models):
            if model in self.models:
                continue
            for name in {str(schema_of(model).table), model.__name__}:
                if name in self._named:
                    raise DuplicateName(f"two read models are called {name!r}: give one another name or table=")
                self._named[name] = model
            self.models = (*self.models, model)

    def model(self, named: type[ReadModel] | str) -> type[ReadModel]:
        """Raises UnknownName for a name that is none, InvalidIdentifier for what cannot be a name."""
        if isinstance(named, type):
            return named
        if type(named) is not str or _NAME.match(named) is None:
            raise InvalidIdentifier(f"{shown(named)} names no read model: use a class, a table or a class name")
        model = self._named.get(named)
        if model is None:
            known = ", ".join(sorted(self._named))
            raise UnknownName(f"there is no read model {named[:60]!r}: it is one of {known}")
        return model


def key_in(model: type[ReadModel], key: object) -> object:
    """The key itself, or the one in `{"id": key}`; raises InvalidCriteria for other criteria."""
    if type(key) in _PLAIN or not isinstance(key, Mapping):
        return key
    given = cast("Mapping[str, object]", key)
    name = schema_of(model).key
    if list(given) != [name]:
        raise InvalidCriteria(f"a write names its row by {{{name!r}: ...}} alone, got {shown(list(given))}")
    return given[name]
