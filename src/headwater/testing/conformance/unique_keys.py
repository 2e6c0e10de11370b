"""The law of UniqueKeys: claimed and released by appends, held by one stream."""

from __future__ import annotations

import pytest

from headwater.domain.append import UniqueKey
from headwater.domain.version import Exact
from headwater.errors import UniqueKeyTaken, WrongExpectedVersion
from headwater.ports.engine import Engine
from headwater.testing.controls import ANN, BOB, MAIL, append_of, command_of, contents

__all__ = ["UniqueKeysConformance"]


class UniqueKeysConformance:
    """Enrol with the fixture `engine`."""

    async def test_a_key_nobody_claimed_is_free(self, engine: Engine) -> None:
        assert await engine.unique_keys.holder(MAIL) is None

    async def test_a_claimed_key_is_held_by_its_stream(self, engine: Engine) -> None:
        await engine.events.append(append_of(ANN, claims=(MAIL,)))
        assert await engine.unique_keys.holder(MAIL) == "user-ann"

    async def test_a_key_held_by_another_stream_is_taken_and_nothing_changes(self, engine: Engine) -> None:
        other = UniqueKey("user-email", "bob@example.com")
        await engine.events.append(append_of(ANN, claims=(MAIL,)))
        before = await contents(engine, MAIL, other)
        with pytest.raises(UniqueKeyTaken) as caught:
            await engine.events.append(append_of(BOB, claims=(other, MAIL), command=command_of("c1")))
        assert (caught.value.scope, caught.value.value) == ("user-email", "ann@example.com")
        assert caught.value.holder == "user-ann"
        assert await contents(engine, MAIL, other) == before

    async def test_the_holder_may_claim_again(self, engine: Engine) -> None:
        for _ in range(2):
            await engine.events.append(append_of(ANN, claims=(MAIL,)))
        assert await engine.unique_keys.holder(MAIL) == "user-ann"

    async def test_a_released_key_is_free_for_others(self, engine: Engine) -> None:
        await engine.events.append(append_of(ANN, claims=(MAIL,)))
        await engine.events.append(append_of(ANN, releases=(MAIL,)))
        assert await engine.unique_keys.holder(MAIL) is None
        await engine.events.append(append_of(BOB, claims=(MAIL,)))
        assert await engine.unique_keys.holder(MAIL) == "user-bob"

    async def test_only_the_holder_can_release(self, engine: Engine) -> None:
        await engine.events.append(append_of(ANN, claims=(MAIL,)))
        await engine.events.append(append_of(BOB, releases=(MAIL,)))
        assert await engine.unique_keys.holder(MAIL) == "user-ann"

    async def test_a_stranger_cannot_take_a_key_by_releasing_it(self, engine: Engine) -> None:
        await engine.events.append(append_of(ANN, claims=(MAIL,)))
        with pytest.raises(UniqueKeyTaken):
            await engine.events.append(append_of(BOB, claims=(MAIL,), releases=(MAIL,)))
        assert await engine.unique_keys.holder(MAIL) == "user-ann"

    async def test_releases_come_before_claims(self, engine: Engine) -> None:
        await engine.events.append(append_of(ANN, claims=(MAIL,)))
        await engine.events.append(append_of(ANN, claims=(MAIL,), releases=(MAIL,)))
        assert await engine.unique_keys.holder(MAIL) == "user-ann"

    async def test_the_last_claim_of_several_is_the_one_that_counts(self, engine: Engine) -> None:
        for stream in (ANN, BOB, ANN):
            await engine.events.append(append_of(stream, claims=(MAIL,)))
            await engine.events.append(append_of(stream, releases=(MAIL,)))
        assert await engine.unique_keys.holder(MAIL) is None

    async def test_scope_and_value_tell_keys_apart(self, engine: Engine) -> None:
        keys = [MAIL, UniqueKey("login", MAIL.value), UniqueKey(MAIL.scope, "Ann@example.com")]
        await engine.events.append(append_of(ANN, claims=(keys[0],)))
        await engine.events.append(append_of(BOB, claims=(keys[1], keys[2])))
        assert [await engine.unique_keys.holder(key) for key in keys] == ["user-ann", "user-bob", "user-bob"]

    async def test_a_refused_append_keeps_the_keys_it_would_have_released(self, engine: Engine) -> None:
        await engine.events.append(append_of(ANN, claims=(MAIL,)))
        with pytest.raises(WrongExpectedVersion):
            await engine.events.append(append_of(ANN, 1, Exact(7), releases=(MAIL,)))
        assert await engine.unique_keys.holder(MAIL) == "user-ann"

    async def test_claimed_keys_are_listed_by_scope_and_value(self, engine: Engine) -> None:
        keys = [UniqueKey("b", "1"), UniqueKey("a", "2"), UniqueKey("a", "\u00e9"), UniqueKey("a", "10")]
        await engine.events.append(append_of(ANN, claims=tuple(keys[:2])))
        await engine.events.append(append_of(BOB, claims=tuple(keys[2:])))
        listed = await engine.unique_keys.held()
        assert [held.key for held in listed] == sorted(keys)
        assert {held.key: held.stream for held in listed} == dict(
            zip(keys, [str(ANN)] * 2 + [str(BOB)] * 2, strict=True)
        )

    async def test_the_listing_goes_on_behind_a_key_and_leaves_out_released_ones(self, engine: Engine) -> None:
        keys = [UniqueKey("a", f"{number}") for number in range(5)]
        await engine.events.append(append_of(ANN, claims=tuple(keys)))
        await engine.events.append(append_of(ANN, releases=(keys[3],)))
        assert [held.key for held in await engine.unique_keys.held(limit=2)] == keys[:2]
        assert [held.key for held in await engine.unique_keys.held(keys[1], 2)] == [keys[2], keys[4]]
        assert list(await engine.unique_keys.held(keys[4])) == []
        assert list(await engine.unique_keys.held(limit=0)) == []
