"""A shop chooses which statuses count, in a whole system: while orders come and workers die."""

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from chaos.plan import Plan
from chaos.world import World
from clickhouse.verify import verify
from support.events import order, record, settings
from support.load import stirred, versions
from support.recounts import CLAIMS, until_recounted
from support.scene import Scene
from support.system import System
from support.waiting import eventually


def test_as_of_stands_still_while_a_recount_is_under_way(tmp_path: Path) -> None:
    """No order comes meanwhile; each step of a batch takes a second."""
    with World(tmp_path, Plan(slow=1.0, audit=0.0)).start(1) as world:
        scene = Scene(world)
        scene.send([record(order("s", "o", status="paid"))])
        world.settle(60)
        world.start_api()
        world.until_told()

        def daily() -> dict[str, Any]:
            return scene.ask("/reports/daily-sales", {"shopId": "s", "date": "2026-11-22"})

        def as_of() -> datetime:
            return datetime.fromisoformat(daily()["asOf"])

        assert daily()["totalOrders"] == 1
        scene.send([record(settings("s", countedStatuses=["shipped"]))])
        eventually(lambda: claims(world) == 2, 60, "a recount")
        began, seen = datetime.now(UTC), []
        while claims(world) == 2:
            found = as_of()
            if claims(world) == 2:
                seen.append(found)
            time.sleep(0.1)
        ended = datetime.now(UTC)
        assert (ended - began).total_seconds() > 1
        assert max(seen) < began
        eventually(lambda: as_of() > ended, 20, "asOf goes on")
        assert daily()["totalOrders"] == 0


def claims(system: System) -> int:
    """How many different ones a recount has: 1 while none is under way."""
    return int(system.sql.rows(CLAIMS)[0][0])


def test_a_shop_chooses_while_orders_come_and_workers_die(own: Scene) -> None:
    system = own.system.start(pipelines=2, api=True)
    first, second = system.pipelines
    shops = [f"load-{number}" for number in range(5)]
    for number, choice in enumerate((["paid"], ["pending", "refunded", "completed"], None)):
        own.send(stirred(number, versions(300 + number, 1500)))
        told = [
            settings(shop, version=number + 1, event_id=f"c{number}", countedStatuses=choice)
            for shop in shops[:3]
        ]
        own.send([record(each) for each in told])
        own.send(stirred(10 + number, versions(400 + number, 1500)))
        if number == 1:
            first.kill()
            first.start()
    own.send([record(settings(shops[4], version=9, countedStatuses=["paid"]))])
    until_recounted(own.system)
    own.check()
    assert own.check_reports(step=40) > 0
    second.kill()
    second.start()
    system.replay()
    system.settle(120)
    own.compare()
    assert not verify(system.settings).differences
