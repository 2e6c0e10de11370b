"""Views: typed reads and writes of read models, as handlers get them injected."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, Generic, TypeVar

import msgspec

from headwater.errors import InvalidCriteria, InvalidMessage, LimitExceeded
from headwater.handling.batch import running_batch
from headwater.limits import Limits
from headwater.models.criteria import And, Compare, Criteria, In
from headwater.models.criteria_parsing import CriteriaLike, parse_criteria
from headwater.models.cursor import after, cursor_text, read_cursor
from headwater.models.model import ReadModel, schema_of
from headwater.models.ordering import OrderLike, check_rows, parse_order
from headwater.models.pipeline import Limit
from headwater.models.pipeline_parsing import PipelineLike, parse_pipeline
from headwater.models.search import query_words
from headwater.models.selection import Selection, bind_selection
from headwater.ports.engine import Identity
from headwater.ports.read_models import ReadModels
from headwater.read_models.overlay import Overlay
from headwater.read_models.reads import Noted, running_reads
from headwater.read_models.writing import RowWriter, Writing

__all__ = ["Page", "Views"]

M = TypeVar("M", bound=ReadModel)
M_co = TypeVar("M_co", bound=ReadModel, covariant=True)
R = TypeVar("R")
_KEYS_AT_ONCE: Final = 1_000


class Page(msgspec.Struct, Generic[M_co], frozen=True):
    """Some rows, and where the next ones start."""

    items: Sequence[M_co]
    next_cursor: str | None
    """Signed text for `page(cursor=…)` with the same model, criteria and order; None after the last row."""


class Views(Writing):
    """Reads and writes of declared read models.

    Criteria are a mapping, an expression (`field("age") >= 18`), or keywords for equality. A projection sees what
    its running batch has changed. Reads raise InvalidCriteria for what the model does not declare, LimitExceeded
    for more rows than `Limits.page_size`.
    """

    def __init__(
        self,
        reader: ReadModels,
        writer: RowWriter,
        *,
        identity: Identity,
        owned: Collection[type[ReadModel]] = (),
        limits: Limits | None = None,
        source: ReadModels | None = None,
    ) -> None:
        """`identity` signs cursors; `owned` are the models that projections write.

        `source` is what a running batch reads: the reader without its cache, which another process may have left
        behind.
        """
        super().__init__(writer, owned)
        self._cached = reader
        self._source = source or reader
        self._identity = identity
        self._limits = limits or Limits()

    async def get(self, model: type[M], key: object, /) -> M | None:
        """The row of a key. Raises InvalidMessage for a key of another kind."""
        return await self._reader().get(model, key)

    async def get_many(self, model: type[M], keys: Iterable[object], /) -> dict[object, M]:
        """The rows that are there of these keys, however many, by key."""
        schema, asked = schema_of(model), list(keys)
        found: dict[object, M] = {}
        for start in range(0, len(asked), _KEYS_AT_ONCE):
            some = In(schema.key, tuple(asked[start : start + _KEYS_AT_ONCE]))
            rows = await self._reader().find(model, Selection(criteria=some))
            found.update({schema.key_of(row): row for row in rows})
        return found

    async def find_one(self, model: type[M], criteria: CriteriaLike = None, /, **equal: object) -> M | None:
        """The first row by key, or None."""
        return await self._first(model, criteria, equal)

    async def find(
        self,
        model: type[M],
        criteria: CriteriaLike = None,
        /,
        *,
        order_by: OrderLike = (),
        limit: int | None = None,
        skip: int = 0,
        **equal: object,
    ) -> list[M]:
        """The rows, by `order_by` and then by key. Without a limit all of them, and LimitExceeded if they are many."""
        most = self._limits.page_size
        selection = Selection(
            criteria=parse_criteria(criteria, equal),
            order=parse_order(order_by),
            limit=most + 1 if limit is None else check_rows(limit, "the limit", most),
            skip=check_rows(skip, "the skip"),
        )
        return self._bounded(await self._reader().find(model, selection))

    async def page(
        self,
        model: type[M],
        criteria: CriteriaLike = None,
        /,
        *,
        order_by: OrderLike = (),
        size: int = 50,
        cursor: str | None = None,
        **equal: object,
    ) -> Page[M]:
        """One page of rows. Rows written meanwhile move no other row onto or off a later page.

        `size` is how many: a field of that name is named in a mapping, or an expression.
        Raises InvalidCursor for a cursor of another query or store, or a changed one.
        """
        if check_rows(size, "the page size", self._limits.page_size) == 0:
            raise InvalidCriteria("a page holds at least one row")
        schema = schema_of(model)
        asked = Selection(criteria=parse_criteria(criteria, equal), order=parse_order(order_by))
        bound = bind_selection(asked, schema)
        wanted: Criteria = asked.criteria
        if cursor is not None:
            wanted = And((wanted, after(bound.order, read_cursor(cursor, schema.table, bound, self._identity.secret))))
        rows = await self._reader().find(model, Selection(criteria=wanted, order=asked.order, limit=size + 1))
        items = list(rows[:size])
        if len(rows) <= size:
            return Page(items, None)
        last = [order.field.to_scalar(getattr(items[-1], order.field.name)) for order in bound.order]
        return Page(items, cursor_text(schema.table, bound, last, self._identity.secret))

    async def search(self, model: type[M], query: str, fields: Sequence[str] | None = None, limit: int = 50) -> list[M]:
        """Rows in which every word of the query starts a word of a Searchable field, by key; none for no words.

        Case and diacritics do not matter. `fields` are some of the Searchable fields; None means all.
        """
        searched = schema_of(model).searchable(fields or ())
        most = check_rows(limit, "the limit", self._limits.page_size)
        tokens = query_words(query)
        return list(await self._reader().search(model, searched, tokens, most)) if tokens else []

    async def aggregate(self, model: type[ReadModel], pipeline: PipelineLike, /) -> list[Mapping[str, object]]:
        """The rows a pipeline makes: mappings or stages as in `headwater.models.pipeline`."""
        most = self._limits.page_size
        return self._bounded(await self._reader().aggregate(model, (*parse_pipeline(pipeline), Limit(most + 1))))

    async def count(self, model: type[ReadModel], criteria: CriteriaLike = None, /, **equal: object) -> int:
        """How many rows."""
        return await self._reader().count(model, parse_criteria(criteria, equal))

    async def exists(self, model: type[ReadModel], criteria: CriteriaLike = None, /, **equal: object) -> bool:
        """True if there is such a row."""
        return await self._first(model, criteria, equal) is not None

    def _reader(self) -> ReadModels:
        batch = running_batch.get()
        if batch is not None:
            return Overlay(batch.source or self._source, batch.pending)
        reads = running_reads.get()
        return self._cached if reads is None else Noted(self._cached, reads)

    async def _first(self, model: type[M], criteria: CriteriaLike, equal: Mapping[str, object]) -> M | None:
        parsed = parse_criteria(criteria, equal)
        if isinstance(parsed, Compare) and parsed.operator == "==" and parsed.field == schema_of(model).key:
            return None if parsed.value is None else await self._by_key(model, parsed.value)
        rows = await self._reader().find(model, Selection(criteria=parsed, limit=1))
        return rows[0] if rows else None

    async def _by_key(self, model: type[M], key: object) -> M | None:
        try:
            return await self._reader().get(model, key)
        except InvalidMessage as error:
            raise InvalidCriteria(str(error)) from None

    def _bounded(self, rows: Sequence[R]) -> list[R]:
        if len(rows) > self._limits.page_size:
            raise LimitExceeded("the number of rows found (use `page`, or a limit)", len(rows), self._limits.page_size)
        return list(rows)
