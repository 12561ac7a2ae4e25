"""Last of its folder: from here on each statement looks into a part for each of some hundred months."""

from support.events import order, record
from support.scene import Scene
from support.system import FULL


def test_orders_of_many_years_may_come_at_once(scene: Scene) -> None:
    """More months than the engine takes in one block unless it is told to."""
    scene.send(
        [
            record(order("years", f"o-{year}-{month}", created=f"{year}-{month:02}-01T00:00:00Z"))
            for year in range(2000, 2101, 1 if FULL else 2)
            for month in (1, 6, 12)
        ]
    )
    scene.check(["years"])
