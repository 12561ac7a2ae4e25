"""Kills, freezes and replays under load, then every number beside the oracle; or a long outage of the engine."""

import argparse
import sys
import tempfile
import time
from contextlib import redirect_stdout
from pathlib import Path

from chaos.plan import Plan
from chaos.run import Run, chaos
from shopbench.chaos_outage import outage
from shopbench.output import Result, arguments, publish, run, say

LISTED = 5
WITHOUT = ("marker", "repeat", "fence", "nothing")


def main() -> None:
    flags = _flags()
    result = outage(flags.outage, flags.rate, flags.workers) if flags.outage else _storms(flags)
    publish(result, flags)


def _flags() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench/chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--events", type=int, default=60_000, help="distinct ones, about")
    parser.add_argument("--kills", type=int, default=200, help="kill -9, over all processes")
    parser.add_argument("--freezes", type=int, default=8)
    parser.add_argument("--rewinds", type=int, default=8, help="of one partition")
    parser.add_argument("--replays", type=int, default=4, help="of a whole topic")
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument(
        "--audit", type=float, default=5, help="seconds from one to the next; 0: none"
    )
    parser.add_argument("--without", choices=WITHOUT, help="switches a safeguard off")
    parser.add_argument(
        "--slow", type=float, default=0, help="seconds between the steps of a batch"
    )
    parser.add_argument(
        "--outage", type=float, metavar="SECONDS", help="of the engine, and no kills"
    )
    parser.add_argument("--rate", type=float, default=500, help="events a second, at most")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="logs and tables stay there")
    return arguments(parser)


def _plan(flags: argparse.Namespace) -> Plan:
    names = ("seed", "events", "kills", "freezes", "rewinds", "replays", "workers", "audit")
    plan = Plan(**{name: getattr(flags, name) for name in names}, slow=flags.slow, rate=flags.rate)
    if not flags.without:
        return plan
    # what a safeguard is for: workers that die or freeze between two steps
    return plan.but(without=flags.without, audit=0.0, shares=(("pipeline", 1),))


def _storms(flags: argparse.Namespace) -> Result:
    plan = _plan(flags)
    began = time.monotonic()

    def told(text: str) -> None:
        say(f"{time.monotonic() - began:7.1f} s  {text}")

    with tempfile.TemporaryDirectory(prefix="shopbench-") as folder:
        try:
            with redirect_stdout(sys.stderr):
                done = chaos(plan, flags.keep or Path(folder), told)
        except AssertionError as fault:
            sys.exit(f"the system does not come to rest: {fault}")
    return _result(done)


def _result(done: Run) -> Result:
    verdict = done.verdict
    notes = [
        "refused by reason: "
        + ", ".join(f"{name} {count:,}" for name, count in done.refused.items()),
        "compared: " + ", ".join(f"{name} {count:,}" for name, count in verdict.notes.items()),
        f"everything was in {done.catch_up:.0f} s after the last action; {done.ends} workers ended by"
        " themselves, as another had taken over, and were started again",
        f"peak MiB: resident, of one worker; all together {done.together} at a time",
        "repairs of the audit: "
        + (", ".join(f"{name} {count}" for name, count in verdict.repairs.items()) or "none"),
    ]
    for kind, lines in verdict.differences.items():
        notes += [f"{kind}: {line}" for line in lines[:LISTED]]
    notes += [f"left by the audit: {line}" for line in (done.left or [])[:LISTED]]
    return Result(
        f"chaos-without-{done.plan.without}" if done.plan.without else "chaos",
        f"{done.plan.events:,} events of all topics in {done.plan.shops} shops, 15 % of them twice, 2 % bad;"
        f" {done.plan.workers} workers, one engine, one Kafka node",
        rows=[{"what": name, "count": value} for name, value in done.row().items()],
        notes=notes,
    )


if __name__ == "__main__":
    run(main)
