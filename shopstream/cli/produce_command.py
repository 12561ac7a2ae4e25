"""The thin end of `shopstream produce`: file, progress, complaints on standard error."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from shopstream.cli.counted import counted
from shopstream.cli.produce import Summary, bounded_lines, paced, produce
from shopstream.faults import Fault
from shopstream.producer import ShopProducer
from shopstream.settings import Settings

REPORT_EVERY = 5.0
"""Seconds between two lines of progress where standard error is not a terminal."""

Advance = Callable[[int], None]


def produce_file(
    settings: Settings, name: str, rate: float | None, topic: str | None, *, checked: bool
) -> Summary:
    """Sends the lines of the file `name` (`-`: standard input).

    Raises:
        Fault: the file cannot be read, or has no events.
        ProducerError: the topic does not exist, or a record could not be queued.
        BrokerUnreachable: no broker answers.
    """
    console = Console(stderr=True, highlight=False)

    def complain(number: int, reason: str) -> None:
        console.print(f"line {number}: {reason}", markup=False, soft_wrap=True)

    with (
        _opened(name) as (file, size),
        ShopProducer(settings) as producer,
        _progress(console, size) as advance,
    ):
        lines = paced(bounded_lines(file, name), rate)
        return produce(lines, producer, topic, complain, advance, name, checked=checked)


@contextmanager
def _opened(name: str) -> Iterator[tuple[BinaryIO, int | None]]:
    """The file and its size in bytes (None: not known)."""
    if name == "-":
        if sys.stdin is None:
            raise Fault("Standard input is closed.")
        yield sys.stdin.buffer, None
        return
    path = Path(name)
    try:
        file = path.open("rb")
    except OSError as error:
        raise Fault(f"{name} cannot be read ({error.strerror}).") from None
    with file:
        yield file, path.stat().st_size if path.is_file() else None


@contextmanager
def _progress(console: Console, size: int | None) -> Iterator[Advance]:
    if not console.is_terminal:
        yield _Lines(console)
        return
    columns = (
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[lines]:,} lines"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=size, lines=0)
        lines = 0

        def advance(length: int) -> None:
            nonlocal lines
            lines += 1
            progress.update(task, advance=length, lines=lines)

        yield advance


class _Lines:
    """Counts lines and says so every `REPORT_EVERY` seconds."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._lines = 0
        self._next = time.monotonic() + REPORT_EVERY

    def __call__(self, length: int) -> None:
        self._lines += 1
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + REPORT_EVERY
            self._console.print(counted(self._lines, "line"))
