"""Opening: the store or the application that the options name."""

from __future__ import annotations

import asyncio
import importlib
import sys
import traceback
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from types import ModuleType

from headwater.engines.sqlite import SqliteEngine
from headwater.errors import ConfigurationError, HeadwaterError, StoreUnavailable, UnknownName
from headwater.manager import CQRSManager
from headwater.opening import open_engine, open_engines
from headwater.ports.engine import Engine, EngineOptions
from headwater.split import SplitEngine

__all__ = ["application", "load_app", "sqlite_path", "store"]


@asynccontextmanager
async def store(url: str | None, app: str | None = None, read_url: str | None = None) -> AsyncGenerator[Engine, None]:
    """The store at `url`, else the application's, opened. One that is not there is not made.

    With `read_url` the read side is that of another store. Raises ConfigurationError if neither is given, StoreError.
    """
    if url is None and app is None:
        raise ConfigurationError("no store is named: use --url, HEADWATER_URL, --app or HEADWATER_APP")
    only_there = EngineOptions(create=False)
    engine = open_engines(url, read_url, only_there) if url is not None else load_app(app).engine
    await _must_exist(engine)
    identity = await engine.open()
    try:
        if isinstance(engine, SplitEngine):
            await engine.stores[1].follow(identity.store_id)
        yield engine
    finally:
        await engine.close()


def load_app(spec: str | None) -> CQRSManager:
    """The CQRSManager that `module:name` is or returns. Raises ConfigurationError, UnknownName."""
    if spec is None:
        raise ConfigurationError("this needs the application's code: use --app module:name, or HEADWATER_APP")
    module, colon, name = spec.partition(":")
    if not colon or not module or not name:
        raise ConfigurationError(f"{spec!r} is no application: write module:name")
    if "" not in sys.path:
        sys.path.insert(0, "")
    imported = _imported(module)
    try:
        found: object = getattr(imported, name)
    except AttributeError as error:
        raise UnknownName(f"{module!r} has no {name!r}: name a CQRSManager, or a function that returns one") from error
    made = found() if callable(found) and not isinstance(found, CQRSManager) else found
    if not isinstance(made, CQRSManager):
        raise ConfigurationError(
            f"{spec!r} gives {type(made).__name__}: name a CQRSManager, or a function returning one"
        )
    return made


def _imported(module: str) -> ModuleType:
    """Raises ConfigurationError that says where the module's own code fails."""
    try:
        return importlib.import_module(module)
    except HeadwaterError:
        raise
    except ImportError as error:
        raise ConfigurationError(f"{module!r} cannot be imported ({error}): run this where it can") from error
    except SyntaxError as error:
        raise ConfigurationError(f"{module!r} cannot be imported ({error}): mend it") from error
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        what = f"{type(error).__name__}: {error}, at {last.filename}:{last.lineno}"
        raise ConfigurationError(f"{module!r} cannot be imported ({what}): mend it") from error


@asynccontextmanager
async def application(app: str | None, *, rebuilding: bool = False) -> AsyncGenerator[CQRSManager, None]:
    """The application on its store, which must be there; its projections do not run. See `CQRSManager.initialize`."""
    cqrs = load_app(app)
    await _must_exist(cqrs.engine)
    await cqrs.initialize(run_projections=False, rebuilding=rebuilding)
    try:
        yield cqrs
    finally:
        await cqrs.close()


def sqlite_path(url: str | None) -> Path:
    """The file of a SQLite URL, there or not. Raises ConfigurationError for another engine."""
    if url is None:
        raise ConfigurationError("no store is named: use --url or HEADWATER_URL")
    engine = open_engine(url, EngineOptions())
    if not isinstance(engine, SqliteEngine):
        raise ConfigurationError(f"{url!r} is no file: this is for sqlite:///file.db")
    return engine.location.path


async def _must_exist(engine: Engine) -> None:
    for one in engine.stores if isinstance(engine, SplitEngine) else (engine,):
        if isinstance(one, SqliteEngine) and not await asyncio.to_thread(one.location.path.is_file):
            raise StoreUnavailable(f"there is no store {str(one.location.path)!r}: check the URL")
