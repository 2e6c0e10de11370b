"""Agreement: two engines that are asked the same, and must answer alike."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from typing import cast

from hypothesis.stateful import RuleBasedStateMachine

from headwater.errors import HeadwaterError
from headwater.ports.engine import Engine, EngineOptions
from headwater.testing.clock import ManualClock
from headwater.testing.controls import Tally

__all__ = ["Agreement"]


class Agreement(RuleBasedStateMachine):
    """What every step stands on: two open engines, one clock."""

    @abstractmethod
    def make_engines(self, options: EngineOptions) -> tuple[Engine, Engine]:
        """The engine that is right and the one in question, new, empty and closed."""

    @abstractmethod
    def compare(self) -> None:
        """Agree on all there is."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = ManualClock()
        options = EngineOptions(clock=self.clock)
        self.runner = asyncio.Runner()
        self.engines = self.make_engines(options)
        self.runner.run(self._open())

    async def _open(self) -> None:
        for engine in self.engines:
            await engine.open()
            await engine.read_model_schema.ensure([Tally])

    def teardown(self) -> None:
        try:
            self.compare()
        finally:
            for engine in self.engines:
                self.runner.run(engine.close())
            self.runner.close()

    def agree(self, ask: Callable[[Engine], Awaitable[object]]) -> object:
        """Ask both, and return the answer: what came back, or what was raised with all it carries."""
        model, subject = self.runner.run(_answers(self.engines, ask))
        assert model == subject
        return model


async def _answers(engines: tuple[Engine, Engine], ask: Callable[[Engine], Awaitable[object]]) -> list[object]:
    return [await _answer(engine, ask) for engine in engines]


async def _answer(engine: Engine, ask: Callable[[Engine], Awaitable[object]]) -> object:
    try:
        answer = await ask(engine)
    except HeadwaterError as error:
        return type(error), vars(error)
    return list(cast("Sequence[object]", answer)) if isinstance(answer, list | tuple) else answer
