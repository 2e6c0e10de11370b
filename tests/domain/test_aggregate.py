"""Aggregates: folds that decide."""

from __future__ import annotations

from collections import deque
from typing import ClassVar, Self

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.domain.aggregate import Aggregate
from headwater.domain.append import UniqueKey
from headwater.domain.messages import Event
from headwater.domain.on import on
from headwater.errors import BadDeclaration, DuplicateName, InvalidId, InvalidIdentifier, LimitExceeded, UnknownName


class Opened(Event):
    owner: str


class Paid(Event):
    amount: int


class Closed(Event):
    pass


class Account(Aggregate, category="account", partition_by="owner"):
    owner: str = ""
    balance: int = 0
    RATES: ClassVar[dict[str, float]] = {"a": 1.0}

    @classmethod
    def open(cls, id: str, owner: str) -> Self:
        return cls.new(id, Opened(owner=owner), unique=[("owner", owner)])

    @on(Opened)
    def opened(self, e: Opened) -> None:
        self.owner = e.owner

    @on(Paid)
    def paid(self, e: Paid) -> None:
        self.balance += e.amount


class Savings(Account, category="savings"):
    closed: bool = False

    def paid(self, e: Paid) -> None:
        self.balance += 2 * e.amount

    @on(Closed)
    def shut(self, e: Closed) -> None:
        self.closed = True


def test_a_new_aggregate() -> None:
    account = Account.open("a1", "ann")
    assert (account.id, account.version, account.committed_version, account.owner) == ("a1", 1, 0, "ann")
    assert account.get_uncommitted_events() == (Opened(owner="ann"),)
    assert account.claims == (UniqueKey("owner", "ann"),)
    assert (str(account.stream), account.partition_key) == ("account-a1", "ann")
    account.mark_events_as_committed()
    assert (account.version, account.committed_version, account.get_uncommitted_events()) == (1, 1, ())
    assert not account.claims
    assert not account.releases


def test_keys_are_taken_and_given_up_with_an_event() -> None:
    account = Account.open("a1", "ann")
    account.emit(Opened(owner="bob"), unique=[("owner", "bob")], release=[("owner", "ann")])
    assert account.claims == (UniqueKey("owner", "ann"), UniqueKey("owner", "bob"))
    assert account.releases == (UniqueKey("owner", "ann"),)


@pytest.mark.parametrize(("scope", "value"), [("", "a"), ("owner", ""), ("owner", "a\0"), ("owner", "e\u0301")])
def test_a_bad_key_leaves_the_aggregate_as_it_was(scope: str, value: str) -> None:
    account = Account("a1")
    for keys in ({"unique": [(scope, value)]}, {"release": [(scope, value)]}):
        with pytest.raises(InvalidId):
            account.emit(Opened(owner="ann"), **keys)
        assert (account.version, account.owner, account.get_uncommitted_events()) == (0, "", ())


def test_a_long_scope() -> None:
    with pytest.raises(LimitExceeded):
        Account("a1").emit(Opened(owner="ann"), unique=[("s" * 65, "v")])


@given(st.lists(st.one_of(st.builds(Opened, owner=st.text()), st.builds(Paid, amount=st.integers()))))
def test_deciding_and_replaying_end_in_the_same_state(events: list[object]) -> None:
    decided, replayed = Account("a1"), Account("a1")
    for event in events:
        decided.emit(event)
    replayed.evolve(decided.get_uncommitted_events())
    decided.mark_events_as_committed()
    assert vars(decided) == vars(replayed)
    assert replayed.version == len(events)


def test_an_event_without_a_method() -> None:
    account = Account("a1")
    with pytest.raises(UnknownName, match=r"Account has no @on\(Closed\) method"):
        account.emit(Closed())
    assert (account.version, account.get_uncommitted_events()) == (0, ())


def test_inheritance() -> None:
    savings = Savings("s1")
    for event in (Opened(owner="ann"), Paid(amount=5), Closed()):
        savings.emit(event)
    assert (savings.owner, savings.balance, savings.closed) == ("ann", 10, True)
    assert (Savings.category, Savings.partition_by, Account.category) == ("savings", "owner", "account")
    assert set(Savings.event_types()) == {Opened, Paid, Closed}
    assert set(Account.event_types()) == {Opened, Paid}


def test_an_override_may_be_for_another_event() -> None:
    class Other(Account):
        @on(Closed)
        def paid(self, e: Closed) -> None:  # type: ignore[override]  # on purpose
            self.balance = 0

    assert set(Other.event_types()) == {Opened, Closed}


def test_the_category_is_explicit() -> None:
    with pytest.raises(BadDeclaration, match="needs a category"):

        class Bare(Aggregate):
            pass

    with pytest.raises(InvalidIdentifier):

        class Bad(Aggregate, category="Has-Hyphen"):
            pass


@pytest.mark.parametrize("value", [[], {}, set(), bytearray(), deque()])
@pytest.mark.parametrize("name", ["items", "_items"])
def test_a_mutable_default_is_refused(value: object, name: str) -> None:
    with pytest.raises(BadDeclaration, match=f"{name} has a mutable default"):
        type("Cart", (Aggregate,), {name: value}, category="cart")


def test_a_mutable_default_of_a_mixin_is_refused() -> None:
    class Mixin:
        items: list[str] = []  # noqa: RUF012  # what is refused

    with pytest.raises(BadDeclaration, match="items has a mutable default"):

        class Cart(Mixin, Aggregate, category="cart"):
            pass


@pytest.mark.parametrize("name", ["id", "version"])
def test_its_own_names_are_taken(name: str) -> None:
    with pytest.raises(BadDeclaration, match="the aggregate's own"):
        type("Cart", (Aggregate,), {name: 1}, category="cart")


def test_two_methods_for_one_event() -> None:
    with pytest.raises(DuplicateName, match=r"one and two are both @on\(Closed\)"):

        class Twice(Aggregate, category="twice"):
            @on(Closed)
            def one(self, e: Closed) -> None: ...

            @on(Closed)
            def two(self, e: Closed) -> None: ...


def test_two_events_for_one_method() -> None:
    with pytest.raises(DuplicateName, match="write a method for each"):

        class Twice(Aggregate, category="twice"):
            @on(Paid)  # type: ignore[arg-type]  # what is refused
            @on(Closed)
            def one(self, e: Closed) -> None: ...


def test_a_fold_cannot_wait() -> None:
    with pytest.raises(BadDeclaration, match="must be plain `def`"):

        class Waits(Aggregate, category="waits"):
            @on(Closed)  # type: ignore[arg-type]  # what is refused
            async def closed(self, e: Closed) -> None: ...


@pytest.mark.parametrize("event", ["Closed", None, Closed | Paid])
def test_on_takes_a_class(event: type) -> None:
    with pytest.raises(BadDeclaration, match="takes one event class"):
        on(event)


def test_what_partitions_must_exist() -> None:
    with pytest.raises(BadDeclaration, match="has no attribute 'customer'"):

        class Order(Aggregate, category="order", partition_by="customer"):
            pass


@pytest.mark.parametrize("owner", ["", None])
def test_an_empty_partition_key_is_refused(owner: str) -> None:
    account = Account("a1")
    account.owner = owner
    with pytest.raises(InvalidId, match=r"Account\.owner"):
        _ = account.partition_key


@pytest.mark.parametrize("every", [0, -1, True, 1.5, "3"])
def test_snapshots_count_from_one(every: int) -> None:
    with pytest.raises(BadDeclaration, match="counts events from 1"):

        class Bad(Aggregate, category="bad", snapshot_every=every):
            pass


@pytest.mark.parametrize("id", ["", "a\0", "e\u0301", None])
def test_a_bad_id(id: str) -> None:
    with pytest.raises(InvalidId):
        Account(id)
