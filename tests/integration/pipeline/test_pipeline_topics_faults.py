"""The plug pulled while every topic flows: tables, dead letters and alerts are right afterwards.

Of two topics nobody knows which one is read first, so the thresholds of the shops are in before all else.
"""

import random
import time
from collections.abc import Iterator

import pytest

from support.load import mixed, openings
from support.scene import Scene
from support.system import FULL, System

KILLS, EVENTS = (20, 3000) if FULL else (3, 600)
WITHIN = 0.8 if FULL else 0.4
"""Seconds of a load in which an instant is drawn."""


@pytest.fixture(scope="module")
def battered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("topics")
    with System(folder).start() as system:
        scene = Scene(system)
        scene.send(openings())
        scene.check()
        yield scene


def all_in(scene: Scene) -> None:
    scene.system.settle(120)
    scene.compare()
    scene.check_letters()
    scene.check_alerts()


def test_the_pipeline_dies_at_any_instant(battered: Scene) -> None:
    chance = random.Random(1)
    (pipeline,) = battered.system.pipelines
    for kill in range(KILLS):
        battered.system.until_ready(pipeline)
        battered.send(mixed(20 + kill, EVENTS, opened=True))
        time.sleep(chance.random() * WITHIN)  # a random instant is what is tried here
        pipeline.kill()
        pipeline.start()
    all_in(battered)


def test_the_engine_dies_at_any_instant(battered: Scene) -> None:
    chance = random.Random(2)
    for kill in range(KILLS):
        battered.send(mixed(50 + kill, EVENTS, opened=True))
        time.sleep(chance.random() * WITHIN)
        battered.system.engine.kill()
        battered.system.start_engine()
    all_in(battered)


def test_everything_is_read_again_from_the_beginning(battered: Scene) -> None:
    battered.send(mixed(90, EVENTS, opened=True))
    battered.system.replay()
    all_in(battered)


def test_a_second_pipeline_comes_and_goes(battered: Scene) -> None:
    other = battered.system.add_pipeline()
    battered.send(mixed(91, EVENTS, opened=True))
    battered.system.until_ready(other)
    battered.send(mixed(92, EVENTS, opened=True))
    other.kill()
    battered.send(mixed(93, EVENTS, opened=True))
    all_in(battered)
