"""Reports while events pour in: sums that agree in each answer, and clear refusals while something is dead."""

import random
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.client import HTTPException
from typing import Any
from urllib.parse import urlencode

import pytest

from support.events import item, order, record
from support.load import START, stirred, versions
from support.scene import Scene
from support.system import FULL, System, exact
from support.waiting import eventually

ORDERS = 20_000 if FULL else 2_000
SHOPS = ("load-0", "load-1")
PER_SECOND = 50
SLICE, PAUSE_SECONDS = 100, 0.1
DEAD_SECONDS = 1.0
WELL = "all well"
SUMS = ("totalRevenue", "totalOrders", "totalItems")


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A test leaves everything running."""
    with System(tmp_path_factory.mktemp("load")).start(api=True) as system:
        yield Scene(system)


@contextmanager
def pouring(scene: Scene, seed: int) -> Iterator[threading.Thread]:
    """At most a thousand events a second, until all are sent or the block ends."""
    load = stirred(seed, versions(seed, ORDERS, shops=len(SHOPS)))
    stop = threading.Event()

    def send() -> None:
        for start in range(0, len(load), SLICE):
            if stop.wait(PAUSE_SECONDS):
                break
            scene.send(load[start : start + SLICE])

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield thread
    finally:
        stop.set()
        thread.join()


class Asker:
    """Asks for reports of random days; what it got is counted by `phase`, "nobody" where no answer came."""

    def __init__(self, system: System, seed: int) -> None:
        self._system = system
        self._draw = random.Random(seed)
        self.phase = WELL
        self.got: defaultdict[str, Counter[int | str]] = defaultdict(Counter)
        self.faults: list[str] = []
        self.refusals: list[str] = []
        self.counted = 0

    def ask(self) -> None:
        begun = self.phase
        path, parts, query = self._question()
        shop = self._draw.choice(SHOPS)
        try:
            status, text = self._system.get(
                f"{path}?{urlencode({'shopId': shop, **query})}", [shop]
            )
        except (OSError, HTTPException):
            self._count(begun, "nobody")
            return
        phase = self._count(begun, status)
        body = exact(text)
        if status == 200:
            self._agree(path, body, parts)
        elif status == 503:
            self.refusals.append(f"{phase}: {body['detail']}")
        else:
            self.faults.append(f"{phase}: {path}: {status} {body}")

    def _count(self, begun: str, what: int | str) -> str:
        """In which phase it was: what is killed while a question is under way leaves that unanswered."""
        phase = self.phase if begun == WELL else begun
        self.got[phase][what] += 1
        return phase

    def _question(self) -> tuple[str, str, dict[str, str]]:
        """A path, the name of its parts, and a random day of the load."""
        day = (START + timedelta(days=self._draw.randrange(90))).date()
        return self._draw.choice(
            (
                ("/reports/daily-sales", "hourlyBreakdown", {"date": f"{day}"}),
                ("/reports/weekly-sales", "dailyBreakdown", {"startDate": f"{day}"}),
                (
                    "/reports/monthly-sales",
                    "weeklyBreakdown",
                    {"year": f"{day.year}", "month": f"{day.month}"},
                ),
            )
        )

    def _agree(self, path: str, body: dict[str, Any], parts: str) -> None:
        self.counted += int(body["totalOrders"])
        for name in SUMS:
            if body[name] != (total := sum(part[name] for part in body[parts])):
                self.faults.append(f"{path}: {name} is {body[name]}, that of its parts {total}")


@contextmanager
def asking(asker: Asker) -> Iterator[None]:
    """Meanwhile, as often as it may be, in a thread of its own."""
    stop = threading.Event()

    def work() -> None:
        while not stop.wait(1 / PER_SECOND):
            asker.ask()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def test_totals_are_the_sum_of_their_parts_while_events_pour_in(scene: Scene) -> None:
    asker = Asker(scene.system, 1)
    with pouring(scene, 501) as load:
        while load.is_alive():
            begun = time.monotonic()
            asker.ask()
            time.sleep(max(0.0, begun + 1 / PER_SECOND - time.monotonic()))
    assert asker.faults == []
    assert asker.got[WELL].keys() == {200}
    assert asker.counted > 0
    scene.check()
    right_soon(scene)


def right_soon(scene: Scene) -> None:
    """Answers that are kept are up to half a second old until the notice of their shop comes; `asOf` says so."""
    right = lambda: scene.check_reports(step=7) > 10  # noqa: E731
    eventually(right, 20, "right reports", passing=(AssertionError, OSError))


def test_what_dies_under_load_is_a_clear_503_and_all_is_right_afterwards(scene: Scene) -> None:
    system, asker = scene.system, Asker(scene.system, 2)
    pipeline = system.pipelines[0]
    with pouring(scene, 502), asking(asker):
        for name, child, start in (
            ("pipeline", pipeline, lambda: (pipeline.start(), system.until_ready(pipeline))),
            ("engine", system.engine, system.start_engine),
            ("api", system.api, system.start_api),
        ):
            time.sleep(DEAD_SECONDS)
            asker.phase = name
            child.kill()
            time.sleep(DEAD_SECONDS)
            start()
            answered = lambda: system.get("/reports/trends?shopId=load-0", SHOPS)[0] == 200  # noqa: E731
            eventually(answered, 10, f"reports after {name}")
            asker.phase = WELL
    assert asker.faults == []
    # a question may find a connection that died with the engine, and is told to ask again
    assert asker.got[WELL].keys() <= {200, 503}
    assert asker.got[WELL][503] * 50 <= asker.got[WELL][200], asker.refusals
    assert asker.got["pipeline"].keys() == {200}
    assert asker.got["engine"].keys() <= {200, 503} and asker.got["engine"][503]
    assert asker.got["api"].keys() <= {200, 503, "nobody"} and asker.got["api"]["nobody"]
    scene.check()
    right_soon(scene)


def test_two_api_processes_never_go_back_in_time_for_one_client(scene: Scene) -> None:
    system = scene.system
    ports = [None, system.add_api()]
    for number in range(50 if FULL else 15):
        sold = order("two", f"o-{number}", items=[item("p", 1, "2.50")])
        (place,) = scene.send([record(sold)])
        query = {"shopId": "two", "date": "2026-11-22", "includes": ":".join(map(str, place))}
        for port in random.Random(number).sample(ports, 2):
            status, body = system.get(f"/reports/daily-sales?{urlencode(query)}", ["two"], port)
            assert (status, exact(body)["totalOrders"]) == (200, number + 1)
