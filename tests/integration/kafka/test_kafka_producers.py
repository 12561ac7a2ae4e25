"""What producers may do: other partitioners, compression, transactions."""

import random

import pytest

from support.events import order, record
from support.kafka import Kafka
from support.load import stirred, versions
from support.scene import Scene
from support.waiting import eventually


def test_two_producers_with_other_partitioners_may_send_the_same_orders(scene: Scene) -> None:
    """The versions of most orders lie in two partitions then."""
    system, chance = scene.system, random.Random(1)
    other = Kafka(system.bootstrap, {"partitioner": "consistent_random"})
    load = stirred(2, versions(900, 600, prefix="partitioners"))
    while load:
        some, load = load[:200], load[200:]
        kafka = chance.choice((system.kafka, other))
        scene.note(some, system.produce(some, kafka))
    places: dict[bytes | None, set[int]] = {}
    for place, (sent, _) in scene.sent.items():
        if b"partitioners-" in (sent.key or b""):
            places.setdefault(sent.key, set()).add(place.partition)
    assert sum(len(found) == 2 for found in places.values()) > 100
    scene.check()


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
def test_batches_may_be_compressed(scene: Scene, codec: str) -> None:
    kafka = Kafka(scene.system.bootstrap, {"compression.type": codec})
    load = stirred(3, versions(910, 200, shops=2, prefix=codec))
    scene.note(load, scene.system.produce(load, kafka))
    scene.check([f"{codec}-0", f"{codec}-1"])


def test_a_transaction_counts_once_it_is_committed_and_never_if_it_is_aborted(scene: Scene) -> None:
    system = scene.system
    kafka = Kafka(system.bootstrap, {"transactional.id": "shop"})
    for turn in range(3):
        lost = versions(920 + turn, 40, shops=1, prefix="aborted")
        kept = versions(930 + turn, 40, shops=1, prefix="committed")
        kafka.transaction(lost, lambda _: None, commit=False)
        scene.note(kept, kafka.transaction(kept, system.produced))
        kafka.transaction(lost, lambda _: None, commit=False)
    scene.check()
    scene.system.settle()
    assert system.sql.rows("SELECT count() FROM orders WHERE shop_id = 'aborted-0'") == [["0"]]
    assert system.sql.rows("SELECT count() FROM events WHERE shop_id = 'aborted-0'") == [["0"]]


def test_markers_at_the_end_of_a_partition_do_not_hold_the_reports_back(scene: Scene) -> None:
    """No commit covers them, but `asOf` passes: all that is before them is in the reports."""
    system = scene.system
    kafka = Kafka(system.bootstrap, {"transactional.id": "markers"})
    sent = [record(order("markers", f"o-{n}"), partition=n) for n in range(4)]
    scene.note(sent, kafka.transaction(sent, system.produced))
    kafka.transaction(sent, lambda _: None, commit=False)
    system.settle()
    eventually(lambda: age(scene) < 1.5, 10, "a fresh asOf")
    scene.check(["markers"])


def age(scene: Scene) -> float:
    lines = scene.system.metrics(scene.system.pipelines[0]).splitlines()
    (found,) = (line.split()[1] for line in lines if line.startswith("shopstream_as_of_age_"))
    return float(found)
