"""Another bench with the same flags in an older checkout and in this one, in turns: bench/before_after … ingest …"""

import argparse
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from shopbench.output import RESULTS, Result, Row, arguments, median, publish, run, say
from shopbench.processes import Failed

HERE = Path(__file__).parents[2]
MARKS = ("orders", "ingest")
"""Columns that with the first one say what a row is of."""
BENCHES = ("ingest", "latency", "profile", "reports", "servers", "steady", "steps")
Told = dict[str, Any]


def main() -> None:
    flags = _flags()
    checkouts = {"before": flags.before.absolute(), "now": HERE}
    told: dict[str, list[Told]] = {name: [] for name in checkouts}
    for number in range(flags.rounds):
        for name in list(checkouts) if number % 2 == 0 else reversed(checkouts):
            say(f"round {number + 1} of {flags.rounds}: {name}")
            text = _run(checkouts[name], flags.bench, flags.flags)
            RESULTS.mkdir(exist_ok=True)
            (RESULTS / f"{flags.bench}-{name}-{number + 1}.tmp").write_text(text)
            told[name].append(json.loads(text))
    publish(_result(flags, told), flags)


def _flags() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench/before_after", description=__doc__)
    parser.add_argument(
        "--before", type=Path, required=True, metavar="DIR", help="a checkout with its own .venv"
    )
    parser.add_argument("--rounds", type=int, default=3, help="of the whole bench, in each")
    parser.add_argument("--column", action="append", help="those alone; all numbers without it")
    parser.add_argument("bench", choices=BENCHES)
    parser.add_argument("flags", nargs=argparse.REMAINDER, help="for that bench")
    return arguments(parser)


def _run(checkout: Path, bench: str, flags: list[str]) -> str:
    """What it prints; its own standard error is shown."""
    command = [checkout / "bench" / bench, *flags, "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise Failed(f"{bench} ended with {done.returncode} in {checkout.name}")
    return done.stdout


def _result(flags: argparse.Namespace, told: dict[str, list[Told]]) -> Result:
    return Result(
        f"{flags.bench}-before-after",
        f"bench/{flags.bench} {' '.join(flags.flags)}: {told['now'][0]['about']}",
        rows=list(_rows(flags, told)),
        notes=[
            f"medians of {flags.rounds} runs of each checkout, in turns",
            f"before: {told['before'][0]['machine']['packages']}",
            *told["now"][0]["notes"],
        ],
        rounds=[told],
    )


def _rows(flags: argparse.Namespace, told: dict[str, list[Told]]) -> Iterator[Row]:
    for row in told["now"][0]["rows"]:
        name, *marks = (str(row[mark]) for mark in (next(iter(row)), *MARKS) if mark in row)
        for column, value in row.items():
            wanted = flags.column is None or column in flags.column
            if column in MARKS or isinstance(value, str) or not wanted:
                continue
            before, now = (
                median(_cell(one, row, column) for one in told[side]) for side in ("before", "now")
            )
            ratio = f"{now / before:.2f} x" if now and before else None
            what = ", ".join([name, *marks])
            yield {"what": what, "of": column, "before": before, "now": now, "now is": ratio}


def _cell(told: Told, row: Row, column: str) -> float | None:
    """The same cell of another run."""
    first = next(iter(row))
    for other in told["rows"]:
        if all(other.get(mark) == row[mark] for mark in (first, *MARKS) if mark in row):
            found: float | None = other.get(column)
            return found
    return None


if __name__ == "__main__":
    run(main)
