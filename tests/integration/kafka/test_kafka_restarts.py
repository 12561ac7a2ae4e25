"""The one broker goes away under load and comes back with its records; a topic is another one."""

import time

import pytest
from confluent_kafka.admin import AdminClient
from kafka_load import LONG, Load, until_batches_come

from support.load import versions
from support.scene import Scene
from support.system import FULL, GROUP, ORDERS

AWAY_SECONDS = 60.0 if FULL else 1.0
STOPPED_WITHIN = 25.0
"""Seconds from SIGTERM to the end, whatever is away; operators are told 30."""


@pytest.mark.parametrize("how", [pytest.param("SIGTERM", marks=LONG), "kill -9"])
def test_the_broker_starts_again_under_load(scene: Scene, how: str) -> None:
    system = scene.system
    pipeline = system.pipelines[0]
    starts = pipeline.starts
    with Load(scene, 1 if how == "SIGTERM" else 2):
        until_batches_come(scene)
        if how == "SIGTERM":
            system.broker.stop(30)
        else:
            system.broker.kill()
        time.sleep(AWAY_SECONDS)
        system.brokers.start()
        until_batches_come(scene)
    system.settle(60)
    scene.compare()
    assert pipeline.starts == starts


@pytest.mark.parametrize("how", ["frozen", pytest.param("killed", marks=LONG)])
def test_sigterm_ends_a_pipeline_while_no_broker_answers(scene: Scene, how: str) -> None:
    system = scene.system
    pipeline = system.pipelines[0]
    scene.send(versions(950, 300, prefix="unanswered"))
    if how == "frozen":
        system.broker.freeze()
    else:
        system.broker.kill()
    began = time.monotonic()
    assert pipeline.stop(STOPPED_WITHIN) == 0, pipeline.tail()
    print(f"ended after {time.monotonic() - began:.1f} s")
    system.broker.wake()
    if how == "killed":
        system.brokers.start()
    pipeline.start()
    system.settle(60)
    scene.compare()


def test_a_topic_that_is_deleted_and_made_again_is_read_from_its_beginning(scene: Scene) -> None:
    """What was stored stays; the worker starts over, as it would with `restart: always`."""
    system = scene.system
    system.settle()
    starts = system.pipelines[0].starts
    admin = AdminClient({"bootstrap.servers": system.bootstrap})
    admin.delete_topics([ORDERS], operation_timeout=10)[ORDERS].result(15)
    scene.forget_places()
    system.ends.update({place: 0 for place in system.ends if place[0] == ORDERS})
    assert f"created topic {ORDERS}" in system.run("migrate")
    scene.send(versions(960, 300, prefix="again"))
    system.settle(60, revive=True)
    scene.compare()
    assert system.pipelines[0].starts == starts + 1
    found = system.kafka.committed(GROUP, system.ends)
    assert {place: max(offset, 0) for place, offset in found.items()} == system.ends
