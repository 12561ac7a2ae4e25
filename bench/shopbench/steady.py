"""What steady rates cost: rate held, freshness, time to a subscriber, and CPU of each process."""

import argparse
import asyncio
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from shopbench.latency import INCLUDES, WARM_SECONDS, Bench
from shopbench.orders import shop_name
from shopbench.output import Result, arguments, cell, median, publish, quantile, run, say
from shopbench.processes import Failed, cpu
from shopbench.up import Up, up, verify

SHOPS, STREAMS, REPORTS = 50, 10, 20.0
"""Shops of the load, subscribers (one of each of the biggest shops), reports a second."""
KINDS = ("daily-sales", "trends", "metrics", "weekly-sales")
PARTS = {"pipeline": "worker", "api": "API", "engine": "ClickHouse", "broker": "Kafka"}
CAUGHT_UP_SECONDS = 30.0
POLL_SECONDS = 0.2
Measures = dict[str, float | None]


@dataclass
class Run:
    """One rate: numbers by column, and what went wrong."""

    rate: float
    measures: Measures
    faults: list[str] = field(default_factory=list)


class RateBench(Bench):
    """Load, subscribers, reports and a probe of freshness, together."""

    def __init__(self, system: Up, session: aiohttp.ClientSession, rate: float) -> None:
        mark = f"-{rate:g}"
        super().__init__(system, session, rate, mark, shops=SHOPS, streams=STREAMS)
        self._reports: list[float] = []

    async def measure(self, seconds: float) -> Measures:
        """All columns of one rate."""
        begun = [asyncio.Event() for _ in range(STREAMS)]
        beside = [
            asyncio.create_task(self._subscribe(event, number))
            for number, event in enumerate(begun, 1)
        ]
        await asyncio.wait_for(asyncio.gather(*(event.wait() for event in begun)), 30)
        beside += [asyncio.create_task(self._poll()), asyncio.create_task(self._ask())]
        done, used = await self._records(), self._used()
        start = time.monotonic()
        self.samples.warm = time.time() + WARM_SECONDS
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._produce(WARM_SECONDS + seconds))
            tasks.create_task(self._probe(INCLUDES + self._mark, self._includes))
        sent = self.samples.sent
        held = await self._caught_up(done + sent, start)
        spent = {name: now - used[name] for name, now in self._used().items()}
        await self._drain()
        for task in beside:
            task.cancel()
        found, missing = self.samples, self.samples.sent_to_stream - self.samples.seen_by_stream
        if missing:
            found.faults.append(f"{missing} events did not come to a subscriber")
        return {
            "sent/s": sent / (WARM_SECONDS + seconds),
            "held/s": held,
            "report p50": quantile(found.report_includes, 0.5),
            "report p99": quantile(found.report_includes, 0.99),
            "SSE p50": quantile(found.stream, 0.5),
            "SSE p99": quantile(found.stream, 0.99),
            "asked p50": quantile(self._reports, 0.5),
            "asked p99": quantile(self._reports, 0.99),
            **{f"{PARTS[name]} us": spent[name] / sent * 1e6 for name in PARTS},
        }

    async def _ask(self) -> None:
        """Reports of random shops, by the clock; a slow one holds up no other."""
        dice, asked = random.Random(1), set[asyncio.Task[None]]()
        while True:
            shop, kind = shop_name(dice.randint(1, SHOPS)), dice.choice(KINDS)
            task = asyncio.create_task(self._one_report(shop, kind))
            asked.add(task)
            task.add_done_callback(asked.discard)
            try:
                await asyncio.sleep(1 / REPORTS)
            except asyncio.CancelledError:
                for waiting in asked:
                    waiting.cancel()
                raise

    async def _one_report(self, shop: str, kind: str) -> None:
        begun = time.monotonic()
        try:
            url = self._url(f"/reports/{kind}", shop)
            async with self._session.get(url, headers=self._headers(shop)) as answer:
                await answer.read()
                if answer.status != 200:
                    self.samples.faults.append(f"{kind} was answered by {answer.status}")
        except aiohttp.ClientError as error:
            self.samples.faults.append(f"{kind}: {type(error).__name__}")
        if time.time() > self.samples.warm:
            self._reports.append((time.monotonic() - begun) * 1000)

    def _used(self) -> dict[str, float]:
        return {name: cpu(self._up.processes[name]) for name in PARTS}

    async def _records(self) -> float:
        """What the workers have made durable, as they report it about once a second."""
        async with self._session.get(self._url("/metrics", "")) as answer:
            text = await answer.text()
        name = "shopstream_pipeline_records_total "
        lines = [line for line in text.splitlines() if line.startswith(name)]
        return float(lines[0].removeprefix(name)) if lines else 0.0

    async def _caught_up(self, records: float, start: float) -> float | None:
        """Events a second since `start` until all are durable; None if they are not in time."""
        end = time.monotonic() + CAUGHT_UP_SECONDS
        while (counted := await self._records()) < records:
            if time.monotonic() > end:
                missing = f"{records - counted:,.0f} events were not durable"
                self.samples.faults.append(f"{missing} {CAUGHT_UP_SECONDS:g} s after the last")
                return None
            await asyncio.sleep(POLL_SECONDS)
        return self.samples.sent / (time.monotonic() - start)


def main() -> None:
    flags = _flags()
    found: list[Run] = []
    compared = differences = 0
    for number in range(flags.rounds):
        say(f"round {number + 1} of {flags.rounds}")
        with (
            tempfile.TemporaryDirectory(prefix="shopbench-") as folder,
            up(Path(folder)) as system,
        ):
            found.extend(_runs(system, flags))
            rows, wrong = verify(Path(folder))
        compared, differences = compared + rows, differences + wrong
    publish(_result(flags, found, (compared, differences)), flags)
    if differences:
        raise Failed(f"verify found {differences} differences")


def _runs(system: Up, flags: argparse.Namespace) -> Iterator[Run]:
    for rate in flags.rates:
        one = asyncio.run(_measure(system, rate, flags.seconds))
        say(
            f"  {rate:g}/s: "
            + ", ".join(f"{name} {cell(value)}" for name, value in one.measures.items())
        )
        yield one


async def _measure(system: Up, rate: float, seconds: float) -> Run:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        bench = RateBench(system, session, rate)
        measures = await bench.measure(seconds)
    return Run(rate, measures, bench.samples.faults)


def _flags() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench/steady", description=__doc__)
    rates = [200.0, 1000.0, 2000.0, 5000.0]
    parser.add_argument("--rates", type=float, nargs="+", default=rates, help="events a second")
    parser.add_argument("--seconds", type=float, default=60, help="of each rate")
    parser.add_argument("--rounds", type=int, default=1)
    return arguments(parser)


def _result(flags: argparse.Namespace, found: list[Run], verified: tuple[int, int]) -> Result:
    faults = Counter(f"{one.rate:g}/s: {text}" for one in found for text in one.faults)
    most = "; ".join(f"{text} ({count} times)" for text, count in faults.most_common(4))
    return Result(
        "steady",
        f"steady rates of {SHOPS} shops for {flags.seconds:g} s each, {STREAMS} subscribers, "
        f"{REPORTS:g} reports/s",
        rows=list(_rows(flags, found)),
        notes=[
            f"medians of {flags.rounds} rounds, each on a fresh directory, all rates in turn",
            "held/s: events by the time from the first until the workers report them all as durable,"
            " which they do about once a second; - where they did not",
            "p50, p99: milliseconds; report: from produce until a report requested with includes= counts the order;"
            " SSE: from produce to the client; asked: reports of random shops",
            "us: CPU an event of each process, from the first event until all are durable",
            f"verify: {verified[0]:,} rows compared, {verified[1]} differences",
            f"faults: {faults.total()}{': ' + most if faults else ''}",
        ],
        rounds=[vars(one) for one in found],
    )


def _rows(flags: argparse.Namespace, found: list[Run]) -> Iterator[dict[str, Any]]:
    for rate in flags.rates:
        runs = [one.measures for one in found if one.rate == rate]
        columns = {column: median(run[column] for run in runs) for column in runs[0]}
        yield {"events/s": f"{rate:g}", **columns}


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        run(main)
