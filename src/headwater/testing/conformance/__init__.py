"""The law of every port, as pytest classes. An engine enrols by two fixtures and an empty class a suite:

```python
@pytest.fixture
async def engine(clock: ManualClock) -> AsyncIterator[Engine]:  # a new, empty store, open
    engine = MyEngine(EngineOptions(clock=clock))
    await engine.open()
    yield engine
    await engine.close()

@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()

class TestEventStore(EventStoreConformance):
    pass
```

`DurabilityConformance` takes a third one, `reopen`: close the engine and open the same store anew.
The tests are coroutines: pytest-asyncio in mode `auto` runs them.
"""
