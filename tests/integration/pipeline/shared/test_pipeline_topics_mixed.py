"""Every topic at once, with what is refused among it, and everything again; then every report of it."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

from support.load import mixed, openings, stirred, without_equals
from support.scene import Scene
from support.system import FULL

LESS = 1 if FULL else 2
"""Half of each load."""


def test_a_mixed_load_of_every_topic_and_everything_again(scene: Scene) -> None:
    """Bad records among them; then as shuffled again, and as the topics are read once more."""
    shops = sorted({f"mixed-{n}" for n in range(5)})
    scene.send(openings())
    scene.check(shops)
    load = mixed(11, 3000 // LESS, opened=True)
    places = scene.send(load)
    scene.check(shops)
    scene.check_letters(places)
    scene.send(stirred(12, load, 0))
    scene.check(shops)
    scene.system.replay()
    scene.system.settle()
    scene.compare(shops)
    scene.check_letters(places)
    scene.check_alerts()
    # over all time, to the cent, whatever was paid back when
    sums = ", ".join(
        f"sumIf(revenue, grain = '{grain}')"
        for grain in ("sales_15m", "returned_15m", "refunds_15m")
    )
    rows = scene.system.sql.rows(f"SELECT {sums} FROM order_windows GROUP BY shop_id, currency")
    assert len(rows) > 10
    for row in rows:
        revenue, returned, refunds = map(Decimal, row)
        assert (revenue + returned) - refunds == revenue


def test_every_report_of_the_mixed_load_over_http(scene: Scene) -> None:
    """Around the changes of the clocks in five zones, and of today."""
    dates = [date(2026, 9, 27), date(2026, 10, 4), date(2026, 10, 25), date(2026, 11, 1)]
    scene.send(openings(prefix="reported"))
    scene.check()
    scene.send(mixed(13, 2500 // LESS, prefix="reported", opened=True))
    scene.check()
    scene.system.start_api()
    scene.system.until_told()
    try:
        for number in range(5):
            asked = dates if FULL else dates[number % 2 :: 2]
            scene.check_all_reports(f"reported-{number}", asked)
        scene.check_all_reports("nobody", dates[:1])
    finally:
        scene.system.api.stop()


def test_any_key_and_any_partition_will_do_for_every_topic(scene: Scene) -> None:
    """But for equal versions, crossings and moved orders, which the order of arrival decides."""
    keys = (None, b"", b"\xff", b"other")
    load = [
        replace(sent, key=keys[number % 4], partition=None if number % 5 else number % 4)
        for number, sent in enumerate(without_equals(mixed(17, 1200 // LESS, prefix="anywhere")))
        if sent.topic != "shop.inventory" and b"-moved" not in (sent.value or b"")
    ]
    places = scene.send(load)
    scene.check([f"anywhere-{number}" for number in range(5)])
    scene.check_letters(places)
