from collections.abc import Iterator
from pathlib import Path

import pytest
from engine_harness import EngineProcess


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    """One engine for all tests that do not stop it, with database `shop`."""
    engine = EngineProcess(tmp_path_factory.mktemp("engine") / "data").start()
    engine.text("CREATE DATABASE shop")
    yield engine
    assert engine.stop() == 0


@pytest.fixture
def own_engine(tmp_path: Path) -> Iterator[EngineProcess]:
    """An engine of the test's own, to stop and kill."""
    engine = EngineProcess(tmp_path / "data").start()
    yield engine
    if engine.process and engine.process.poll() is None:
        engine.process.kill()
        engine.process.wait()
