"""What a shop may not choose is refused, and is no setting of it."""

from collections.abc import Sequence
from typing import Any

import pytest

from support.events import Refusal, record, settings
from support.scene import Scene


@pytest.mark.parametrize(
    ("member", "wrong"),
    [
        ("countedStatuses", [[], ["cancelled"], ["done"], "paid", [1], [["paid"]], {"paid": True}]),
        (
            "statusMap",
            [
                {"paid": "pending"},
                {"x": "done"},
                {"": "paid"},
                ["x"],
                "x",
                {str(n): "paid" for n in range(101)},
            ],
        ),
    ],
)
def test_a_choice_is_held_to_its_rules(scene: Scene, member: str, wrong: Sequence[Any]) -> None:
    shop = f"rules-{member}"
    refused = [
        record(
            settings(shop, version=number + 1, event_id=f"s{number}", **{member: choice}),
            Refusal("bad_value", f"data.{member}"),
        )
        for number, choice in enumerate(wrong)
    ]
    places = scene.send(refused)
    scene.check([shop])
    scene.check_letters(places)


def test_a_map_may_be_empty(scene: Scene) -> None:
    scene.send([record(settings("rules-empty", version=1, statusMap={}))])
    scene.check(["rules-empty"])
    rows = scene.system.sql.rows("SELECT status_map FROM shops FINAL WHERE shop_id = 'rules-empty'")
    assert rows == [["{}"]]
