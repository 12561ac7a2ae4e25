"""What `up` does with the terminal that it was started from, and without one."""

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.supervisor import Supervisor
from local.up import _on_signal, _tell


def test_a_line_that_a_full_disk_does_not_take_ends_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    full = os.fdopen(os.open("/dev/full", os.O_WRONLY), "w", buffering=1)
    monkeypatch.setattr(sys, "stderr", full)
    _tell("[broker] ended (exit code 1), starts again in 0.2 s")
    with pytest.raises(OSError, match="No space left"):
        full.close()


def test_a_line_that_nobody_reads_any_more_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    left = os.fdopen(theirs, "w", buffering=1)
    monkeypatch.setattr(sys, "stderr", left)
    _tell("[api] ERROR")
    with pytest.raises(BrokenPipeError):
        left.close()


def test_without_a_standard_error_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    _tell("stopped")


@pytest.fixture
def hang_up() -> Iterator[None]:
    before = signal.getsignal(signal.SIGHUP)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize(("before", "stops"), [(signal.SIG_DFL, True), (signal.SIG_IGN, False)])
async def test_the_end_of_its_terminal_stops_it_but_not_under_nohup(
    hang_up: None, tmp_path: Path, before: signal.Handlers, stops: bool
) -> None:
    signal.signal(signal.SIGHUP, before)
    stop = asyncio.Event()
    _on_signal(stop, Supervisor((), tmp_path, lambda name, line: None))
    try:
        os.kill(os.getpid(), signal.SIGHUP)
        await asyncio.sleep(0.05)
        assert stop.is_set() is stops
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().remove_signal_handler(number)
