"""What was produced is in the report that asks for it, at once and each time."""

import pytest

from support.events import (
    bought,
    item,
    level,
    order,
    payment,
    purchase,
    record,
    settings,
    supplier,
    visit,
)
from support.scene import Scene
from support.system import FULL, System

TIMES = 200 if FULL else 25
DAY = "2026-11-22"


@pytest.fixture(scope="module")
def scene(system: System) -> Scene:
    return Scene(system)


def test_a_report_is_never_older_than_the_place_in_includes(scene: Scene) -> None:
    for number in range(TIMES):
        sold = order("own", f"o-{number}", items=[item("p", 1, "0.01")])
        (place,) = scene.send([record(sold)])
        query = {"shopId": "own", "date": DAY, "includes": ":".join(map(str, place))}
        body = scene.ask("/reports/daily-sales", query)
        assert body["totalOrders"] == body["totalItems"] == number + 1
        assert sum(hour["totalRevenue"] for hour in body["hourlyBreakdown"]) == body["totalRevenue"]


def test_each_topic_can_be_waited_for(scene: Scene) -> None:
    span = {"startDate": DAY, "endDate": DAY}

    def after(event: dict[str, object], path: str, **query: str) -> dict[str, object]:
        (place,) = scene.send([record(event)])
        wanted = {"shopId": "all", **query, "includes": ":".join(map(str, place))}
        return scene.ask(path, wanted)

    body = after(settings("all", "Asia/Kathmandu", "NPR"), "/reports/metrics", **span)
    assert (body["timezone"], body["currency"]) == ("Asia/Kathmandu", "NPR")
    body = after(payment("all", "p", currency="NPR", amount="5"), "/reports/metrics", **span)
    assert body["payments"]["received"] == {"count": 1, "amount": 5}  # type: ignore[index]
    body = after(visit("all", "v", f"{DAY}T12:00:00Z"), "/reports/metrics", **span)
    assert body["sessions"] == 1
    body = after(level("all", "p", 3), "/stock")
    assert [one["quantity"] for one in body["levels"]] == [3]  # type: ignore[index, attr-defined]
    body = after(level("all", "p", 30, version=1), "/stock")
    assert [one["low"] for one in body["levels"]] == [False]  # type: ignore[index, attr-defined]
    for received, on_order in ((False, 12), (True, 0)):
        bundle = purchase("all", "b", received=received, items=[bought("p", 12)])
        body = after(bundle, "/stock")
        assert [one["onOrder"] for one in body["levels"]] == [on_order]  # type: ignore[index, attr-defined]
    body = after(supplier("all", "s"), "/stock")
    assert scene.system.sql.rows("SELECT name FROM shopstream_bi.suppliers WHERE shop_id = 'all'")
