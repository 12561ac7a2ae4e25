"""What the two servers of `up` cost: start, rest, statements."""

import argparse
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from shopbench.output import Result, arguments, median, publish, quantile, run, say
from shopbench.processes import MIB, cpu, proportional
from shopbench.sql import Sql, milliseconds
from shopbench.up import Up, settle, up

STATEMENTS = 400
WARM_STATEMENTS = 50
ASKED = {
    "SELECT 1": "SELECT 1",
    "100 rows": "SELECT number, toString(number * 7919) AS text FROM numbers(100) FORMAT JSONCompactEachRow",
}
PARTS = ("broker", "engine", "pipeline", "api", "up")
Measures = dict[str, float]
"""By name, in the order in which they are printed."""


def main() -> None:
    flags = _flags()
    found: list[Measures] = []
    for number in range(flags.rounds):
        say(f"round {number + 1} of {flags.rounds}")
        with tempfile.TemporaryDirectory(prefix="shopbench-") as folder:
            found.append(dict(_measure(Path(folder), flags)))
        say("  " + ", ".join(f"{what} {value:.3g}" for what, value in found[-1].items()))
    publish(_result(flags, found), flags)


def _flags() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench/servers", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--settle", type=float, default=20, help="seconds from ready to rest")
    parser.add_argument("--window", type=float, default=30, help="seconds of rest")
    return arguments(parser)


def _measure(folder: Path, flags: argparse.Namespace) -> Iterator[tuple[str, float]]:
    settle()
    begun = time.perf_counter()
    with up(folder):
        yield "ready on a fresh directory, s", time.perf_counter() - begun
    settle()
    begun = time.perf_counter()
    with up(folder) as system:
        yield "ready on the same directory again, s", time.perf_counter() - begun
        time.sleep(flags.settle)
        yield from _at_rest(system, flags.window)
        yield from _statements(system)


def _at_rest(system: Up, seconds: float) -> Iterator[tuple[str, float]]:
    before = {name: cpu(process) for name, process in system.processes.items()}
    begun = time.perf_counter()
    time.sleep(seconds)
    passed = time.perf_counter() - begun
    used = {name: cpu(process) - before[name] for name, process in system.processes.items()}
    sizes = {name: proportional(process) for name, process in system.processes.items()}
    yield from _by_part("MiB at rest", {name: size / MIB for name, size in sizes.items()})
    yield from _by_part("CPU at rest, %", {name: 100 * s / passed for name, s in used.items()})


def _by_part(what: str, values: dict[str, float]) -> Iterator[tuple[str, float]]:
    yield f"{what}: all", sum(values.values())
    for part in PARTS:
        yield f"{what}: {part}", values[part]


def _statements(system: Up) -> Iterator[tuple[str, float]]:
    sql, engine = Sql(system.engine), system.processes["engine"]
    for name, text in ASKED.items():
        for _ in range(WARM_STATEMENTS):
            sql.text(text)
        before = cpu(engine)
        times = [milliseconds(lambda text=text: sql.text(text)) for _ in range(STATEMENTS)]
        yield f"{name}: p50 ms", quantile(times, 0.5) or 0.0
        yield f"{name}: p99 ms", quantile(times, 0.99) or 0.0
        yield f"{name}: engine CPU ms", (cpu(engine) - before) * 1000 / STATEMENTS


def _result(flags: argparse.Namespace, found: list[Measures]) -> Result:
    return Result(
        "servers",
        f"`shopstream up`, medians of {flags.rounds} rounds",
        rows=[{"what": what, "median": median(one[what] for one in found)} for what in found[0]],
        notes=[
            "ready: from the start of the process until up.json is there",
            f"at rest: {flags.settle:g} s after it was ready, for {flags.window:g} s, nothing is asked or sent;"
            " MiB: proportional set size; %: of one core",
            f"statements: {STATEMENTS} over one kept HTTP connection, by http.client",
        ],
        rounds=found,
    )


if __name__ == "__main__":
    run(main)
