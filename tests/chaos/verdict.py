"""What is different in the end; each difference is a line of text."""

import hashlib
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from chaos.ears import ALERTS, Ears, expected
from chaos.storm import Storm
from chaos.world import World
from oracle.compare import compare_letters, compare_reports, compare_tables, place_of
from oracle.report import Reports
from shopstream.clickhouse.verify import verify
from shopstream.pipeline.numbers import number_at
from support.events import Sent
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


def judge(world: World, scene: Scene, storm: Storm, ears: Ears, load: Sequence[Sent]) -> Verdict:
    """Once all is in."""
    found = Verdict()
    _hear(world, storm, ears)
    found.differences["tables"] = compare_tables(world.sql, scene.book)
    found.differences["alerts"] = _alerts(world, scene, storm, ears, found)
    found.differences["dead letters"] = _letters(world, scene, load, found)
    wrong = verify(world.settings)
    found.notes["rows verified"] = wrong.compared
    found.differences["verify"] = [str(one) for one in wrong.differences]
    found.differences["reports"] = _reports(world, scene, storm.plan.every, found)
    found.notes["batches finished for another"] = sum(
        int(number)
        for child in world.pipelines
        for number in re.findall(r"finished (\d+) batches", child.log.read_text(errors="replace"))
    )
    found.repairs = repairs(world)
    return found


def repairs(world: World) -> dict[str, int]:
    """Rows that the audit made good, by table."""
    rows = world.sql.rows("SELECT window, count() FROM repairs GROUP BY window ORDER BY window")
    return {window: int(count) for window, count in rows}


def _hear(world: World, storm: Storm, ears: Ears) -> None:
    """Listens until everything that this broker must have was heard, or nothing comes any more."""
    kept = world.sql.rows(
        f"SELECT DISTINCT id FROM alerts WHERE batch > {number_at(storm.broker_since)}"
    )
    wanted = {name for (name,) in kept}
    deadline = time.monotonic() + HEAR_SECONDS
    while ears.listen(1.0) or (not wanted <= set(ears.heard) and time.monotonic() < deadline):
        pass


def _alerts(world: World, scene: Scene, storm: Storm, ears: Ears, found: Verdict) -> list[str]:
    """Each crossing under one id; said at least once, unless the broker died after it was said."""
    wanted, told = expected(scene.book), ears.told()
    lines = [f"alert {name}: told in two ways" for name in sorted(ears.changed)]
    lines += [f"alert {one}: {n} ids too many" for one, n in (told - wanted).items()]
    rows = world.sql.rows("SELECT shop_id, id, any(batch) FROM alerts GROUP BY shop_id, id")
    since = number_at(storm.broker_since)
    collided = _collided(world)
    lost = 0
    for shop, name, batch in rows:
        if name in ears.heard:
            continue
        if int(batch) > since and not collided:
            lines.append(f"alert {shop} {name} of batch {batch}: never said")
        lost += 1
    found.notes |= {
        "crossings": wanted.total(),
        "alerts said": ears.messages,
        "lost by broker": lost,
    }
    if len(rows) != wanted.total():
        lines.append(f"{len(rows)} alerts are kept for {wanted.total()} crossings")
    return lines


def _collided(world: World) -> bool:
    """Whether two workers wrote alerts at the same instant: the embedded broker refuses the one, and may have
    acknowledged to either what nobody can read."""
    log = world.broker.log.read_text(errors="replace")
    return any("AlreadyExists" in line and ALERTS in line for line in log.splitlines())


def _letters(world: World, scene: Scene, load: Sequence[Sent], found: Verdict) -> list[str]:
    """Those of the topics as they now are; one of a former topic may come late and means no record of these."""
    reads = {read.place: read for read in world.kafka.read(world.ends, 120)}
    bad = {place for place, (_, refusal) in scene.sent.items() if refusal is not None}
    present = {place: _mark(scene.sent[place][0], reads[place].timestamp) for place in bad}
    letters = world.dead_letters()
    ours = [
        one
        for one in letters
        if present.get(place_of(one)) == (one["data"]["sha256"], one["data"]["timestamp"])
    ]
    known = {_mark(sent, 0)[0] for sent in load}
    strange = [one for one in letters if one["data"]["sha256"] not in known]
    found.notes |= {"dead letters": len(letters), "of a former topic": len(letters) - len(ours)}
    lines = [f"dead letter {place_of(one)}: of no record" for one in strange]
    if len(ours) != len(letters) and not world.broker.starts > 1:
        lines.append(f"{len(letters) - len(ours)} dead letters of no refused record")
    return lines + compare_letters(ours, scene.sent, reads)


def _mark(sent: Sent, timestamp: int) -> tuple[str, int]:
    return hashlib.sha256(sent.value or b"").hexdigest(), timestamp


def _reports(world: World, scene: Scene, every: int, found: Verdict) -> list[str]:
    """Daily reports over HTTP."""
    world.start_api()
    world.until_told()
    reports = Reports(scene.book)
    wanted = [(shop, day) for shop in reports.dates for day in sorted(reports.dates[shop])][::every]
    found.notes["reports"] = len(wanted)
    return compare_reports(world.reader(reports.dates), scene.book, wanted)
