"""Everything that the tests before this one left behind, once more and as a whole."""

from shopstream.clickhouse.verify import verify
from support.scene import Scene
from support.system import FULL


def test_all_that_was_ever_sent_is_in_the_numbers(scene: Scene) -> None:
    scene.system.settle()
    scene.compare()
    scene.check_letters()
    verdict = verify(scene.system.settings)
    assert not verdict.differences


def test_every_daily_report_over_http(scene: Scene) -> None:
    """Many shops with one day; two of the mixed load, with three currencies on ninety days."""
    scene.system.start_api()
    try:
        mixed = {f"load-{n}" for n in (2, 3, 4)}
        count = scene.check_reports(set(scene.book.shops) - mixed, step=1 if FULL else 3)
        print(f"{count} reports")
    finally:
        scene.system.api.stop()
