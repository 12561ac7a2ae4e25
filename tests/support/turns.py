"""Events in every order of arrival, and step by step: in one batch, and in batches of their own."""

import itertools
from collections.abc import Callable
from typing import Any

from support.events import record
from support.scene import Scene

Event = dict[str, Any]


def step_by_step(scene: Scene, shops: list[str], steps: list[list[Event]]) -> None:
    """Each step is in a batch of its own, and looked at."""
    for step in steps:
        scene.send([record(event) for event in step])
        scene.check(shops)


def every_turn(prefix: str, count: int) -> dict[str, tuple[int, ...]]:
    """A shop for each order of arrival."""
    turns = itertools.permutations(range(count))
    return {f"{prefix}-{number}": turn for number, turn in enumerate(turns)}


def in_every_turn(scene: Scene, prefix: str, make: Callable[[str], list[Event]]) -> None:
    """The events of `make(shop)` in every order of arrival: in one batch, and each in one of its own."""
    count = len(make("any"))
    together, apart = every_turn(f"{prefix}-at-once", count), every_turn(f"{prefix}-apart", count)
    scene.send([record(make(shop)[n]) for shop, turn in together.items() for n in turn])
    for place in range(count):
        scene.send([record(make(shop)[turn[place]]) for shop, turn in apart.items()])
        scene.check(apart)
    scene.check(together)
