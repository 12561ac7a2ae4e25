"""Results: a text table, the same as JSON, a file on request."""

import argparse
import json
import math
import signal
import statistics
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shopbench.machine import describe
from shopbench.processes import Failed
from shopbench.topic import InUse
from shopstream.broker import BrokerUnreachable
from shopstream.faults import Fault

RESULTS = Path(__file__).parents[1] / "results"
Row = Mapping[str, Any]


@dataclass
class Result:
    """One run of one bench. `rows` have the same keys; `notes` say how to read them."""

    name: str
    about: str
    machine: dict[str, str] = field(default_factory=describe)
    rows: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    rounds: list[Any] = field(default_factory=list)

    def text(self) -> str:
        """As it is printed."""
        head = [f"{key:12} {value}" for key, value in self.machine.items()]
        parts = [self.name + ": " + self.about, "\n".join(head), table(self.rows)]
        return "\n\n".join([*parts, "\n".join(f"- {note}" for note in self.notes)]) + "\n"


def arguments(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """The flags of every bench beside its own."""
    parser.add_argument("--json", action="store_true", help="print JSON in place of the table")
    parser.add_argument("--save", action="store_true", help="also write bench/results/NAME.txt")
    # so that SIGTERM too leaves no process and no directory behind
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    return parser.parse_args()


def run(main: Callable[[], None]) -> None:
    """Runs a bench; what is not there or does not answer is told without a trace, with exit code 1."""
    try:
        main()
    except (Failed, InUse, BrokerUnreachable, Fault) as error:
        sys.exit(str(error))


def publish(result: Result, flags: argparse.Namespace) -> None:
    """Prints, and saves where that was asked for."""
    print(json.dumps(vars(result), indent=2) if flags.json else result.text(), flush=True)
    if flags.save:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / f"{result.name}.txt").write_text(result.text())


def say(text: str) -> None:
    """What happens now, on standard error."""
    print(text, file=sys.stderr, flush=True)


def table(rows: Iterable[Row]) -> str:
    """Columns as wide as their widest cell; the first to the left, the others to the right."""
    rows = list(rows)
    if not rows:
        return "no results"
    cells = [list(rows[0]), *([cell(value) for value in row.values()] for row in rows)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(cells[0]))]
    lines = ["  ".join(_pad(line, widths)).rstrip() for line in cells]
    return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]])


def _pad(line: Sequence[str], widths: Sequence[int]) -> list[str]:
    rest = zip(line[1:], widths[1:], strict=True)
    return [line[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in rest)]


def cell(value: Any) -> str:
    """A value as a table shows it."""
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 999.5 else f"{value:.3g}"
    if isinstance(value, int):
        return f"{value:,}"
    return str(value)


def median(values: Iterable[float | None]) -> float | None:
    """Of those that there are."""
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def quantile(values: Sequence[float], share: float) -> float | None:
    """The value that `share` of them do not exceed; None of nothing."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * share) - 1)]
