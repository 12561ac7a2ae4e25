"""What is different in the end; each difference is a line of text."""

import re
import time
from dataclasses import dataclass, field

from chaos.alert_listener import AlertListener, expected
from chaos.fault_injection import FaultInjection
from chaos.world import World
from clickhouse.verify import verify
from oracle.compare import compare_letters, compare_reports, compare_tables
from oracle.report import Reports
from support.scene import Scene

SETTLED_SECONDS = 900.0
HEAR_SECONDS = 20.0


@dataclass
class Verdict:
    """`notes` are counts that are no differences."""

    differences: dict[str, list[str]] = field(default_factory=dict)
    notes: dict[str, int] = field(default_factory=dict)
    repairs: dict[str, int] = field(default_factory=dict)

    @property
    def count(self) -> int:
        return sum(map(len, self.differences.values()))


def judge(
    world: World, scene: Scene, injection: FaultInjection, listener: AlertListener
) -> Verdict:
    """Once all is in."""
    found = Verdict()
    _hear(world, listener)
    found.differences["tables"] = compare_tables(world.sql, scene.book)
    found.differences["alerts"] = _alerts(world, scene, listener, found)
    found.differences["dead letters"] = _letters(world, scene, found)
    wrong = verify(world.settings)
    found.notes["rows verified"] = wrong.compared
    found.differences["verify"] = [str(one) for one in wrong.differences]
    found.differences["reports"] = _reports(world, scene, injection.plan.every, found)
    found.notes["batches finished for another"] = sum(_logged(world, r"finished (\d+) batches"))
    recounted = _logged(world, r"recounted (\d+) orders")
    found.notes |= {"recounts of a shop": len(recounted), "orders recounted": sum(recounted)}
    found.repairs = repairs(world)
    return found


def _logged(world: World, pattern: str) -> list[int]:
    """The number of each such line of the workers' logs."""
    return [
        int(number)
        for child in world.pipelines
        for number in re.findall(pattern, child.log.read_text(errors="replace"))
    ]


def repairs(world: World) -> dict[str, int]:
    """Rows that the audit made good, by table."""
    rows = world.sql.rows("SELECT window, count() FROM repairs GROUP BY window ORDER BY window")
    return {window: int(count) for window, count in rows}


def _hear(world: World, listener: AlertListener) -> None:
    """Listens until everything that is kept was heard, or nothing comes any more."""
    wanted = {name for (name,) in world.sql.rows("SELECT DISTINCT id FROM alerts")}
    deadline = time.monotonic() + HEAR_SECONDS
    while listener.listen(1.0) or (
        not wanted <= set(listener.heard) and time.monotonic() < deadline
    ):
        pass


def _alerts(world: World, scene: Scene, listener: AlertListener, found: Verdict) -> list[str]:
    """Each crossing under one id, said at least once."""
    wanted, told = expected(scene.book), listener.told()
    lines = [f"alert {name}: told in two ways" for name in sorted(listener.changed)]
    lines += [f"alert {one}: {n} ids too many" for one, n in (told - wanted).items()]
    lines += [f"alert {one}: never said" for one in wanted - told]
    kept = len(world.sql.rows("SELECT DISTINCT shop_id, id FROM alerts"))
    if kept != wanted.total():
        lines.append(f"{kept} alerts are kept for {wanted.total()} crossings")
    found.notes |= {"crossings": wanted.total(), "alerts said": listener.messages}
    return lines


def _letters(world: World, scene: Scene, found: Verdict) -> list[str]:
    reads = {read.place: read for read in world.kafka.read(world.ends, 120)}
    letters = world.dead_letters()
    found.notes["dead letters"] = len(letters)
    return compare_letters(letters, scene.sent, reads)


def _reports(world: World, scene: Scene, every: int, found: Verdict) -> list[str]:
    """Daily reports over HTTP."""
    world.start_api()
    world.until_told()
    reports = Reports(scene.book)
    wanted = [(shop, day) for shop in reports.dates for day in sorted(reports.dates[shop])][::every]
    found.notes["reports"] = len(wanted)
    return compare_reports(world.reader(reports.dates), scene.book, wanted)
