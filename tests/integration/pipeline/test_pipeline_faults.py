"""The plug pulled: every number is right afterwards, to the last decimal.

Two systems: `battered` goes through what a system with one pipeline must bear, one test after the other;
a second one has two pipelines. Instants are drawn by a seeded lot. ../kafka kills brokers and workers further.
"""

import asyncio
import random
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from confluent_kafka.admin import AlterConfigOpType

from shopstream.contracts.topics import DEADLETTERS
from support.batches import send_batch
from support.events import Refusal, Sent, order, record
from support.kafka import alter
from support.load import mixed, openings, stirred, versions
from support.processes import Child
from support.scene import Scene
from support.system import FULL, GROUP, System
from support.waiting import eventually

PIPELINE_KILLS = 12 if FULL else 2
ENGINE_KILLS = 5 if FULL else 2
FROZEN_SECONDS = 65.0 if FULL else 2.5
AWAY_SECONDS = 30.0 if FULL else 1.0
"""How long there is no broker while a partition is held."""
PART = 1.0 if FULL else 0.4
"""Of each load, and of the time in which an instant of it is drawn."""


@pytest.fixture(scope="module")
def battered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with System(tmp_path_factory.mktemp("battered")).start() as system:
        yield Scene(system)


def some_time(chance: random.Random, most: float) -> None:
    """Until a random instant: this is what is tried, not what is waited for."""
    time.sleep(chance.random() * most * PART)


def orders(seed: int, number: int, prefix: str = "load") -> list[Sent]:
    """A part of so many, with all their versions."""
    return versions(seed, round(number * PART), prefix=prefix)


def all_in(scene: Scene) -> None:
    scene.system.settle(90)
    scene.compare()


def test_the_engine_dies_under_load(battered: Scene) -> None:
    chance = random.Random(1)
    for kill in range(ENGINE_KILLS):
        battered.send(stirred(kill, orders(100 + kill, 2000)))
        some_time(chance, 0.6)
        battered.system.engine.kill()
        some_time(chance, 0.3)
        battered.system.start_engine()
    all_in(battered)
    assert battered.system.pipelines[0].starts == 1


def test_the_engine_freezes_and_goes_on(battered: Scene) -> None:
    chance = random.Random(2)
    battered.send(stirred(50, orders(150, 2000)))
    some_time(chance, 0.4)
    battered.system.engine.freeze()
    battered.send(stirred(51, orders(151, 500)))
    time.sleep(FROZEN_SECONDS)
    battered.system.engine.wake()
    all_in(battered)
    assert battered.system.pipelines[0].starts == 1


def test_the_pipeline_dies_at_any_instant_under_load(battered: Scene) -> None:
    chance = random.Random(3)
    pipeline = battered.system.pipelines[0]
    for kill in range(PIPELINE_KILLS):
        battered.system.until_ready(pipeline)
        battered.send(stirred(60 + kill, orders(160 + kill, 2500)))
        some_time(chance, 0.8)
        pipeline.kill()
        if kill == PIPELINE_KILLS - 1:  # and once both at the same time
            battered.system.engine.kill()
            battered.system.start_engine()
        pipeline.start()
    all_in(battered)


def test_the_offsets_go_back_to_the_beginning(battered: Scene) -> None:
    """SIGTERM, while it works, ends it with exit code 0; then everything is read again."""
    assert battered.book.records > 5000
    battered.send(stirred(70, orders(170, 2000)))
    battered.system.replay()
    all_in(battered)
    battered.check_letters()


EXPIRED = """
INSERT INTO events
SELECT * REPLACE (stored - INTERVAL 40 DAY AS stored) FROM events SETTINGS insert_deduplicate = 0
"""


def expire_history(scene: Scene) -> None:
    """As if forty days had passed since the last event."""
    sql = scene.system.sql
    partitions = sql.rows(
        "SELECT DISTINCT partition FROM system.parts WHERE table = 'events' AND active"
    )
    sql.text(EXPIRED)
    for (name,) in partitions:
        sql.text(f"ALTER TABLE events DROP PARTITION ID '{name}'")
    sql.text("ALTER TABLE events MATERIALIZE TTL")
    eventually(lambda: sql.rows("SELECT count() FROM events") == [["0"]], 30, "no history")


def test_history_that_has_expired_is_not_missed(battered: Scene) -> None:
    """Orders and everything else outlive their events: updates, repeats and a replay find what they need."""
    battered.send(openings())
    all_in(battered)
    load = mixed(71, round(2000 * PART), opened=True)
    early = len(load) * 3 // 5
    battered.send(load[:early])
    all_in(battered)
    expire_history(battered)
    battered.send(load[early:])
    battered.send(stirred(72, [s for s in load[:early] if s.topic == "shop.orders"]))
    all_in(battered)
    expire_history(battered)
    battered.system.replay()
    all_in(battered)
    battered.check_letters()


def test_broker_and_engine_die_at_the_same_instant_under_load(battered: Scene) -> None:
    """Whatever either has acknowledged is there afterwards; the pipeline needs no start."""
    chance = random.Random(4)
    system = battered.system
    before = system.pipelines[0].starts
    for turn in range(2):
        battered.send(stirred(80 + turn, orders(180 + turn, 1500) + orders(100, 500)))
        some_time(chance, 0.4)
        system.broker.kill()
        system.engine.kill()
        system.start_broker()
        system.start_engine()
    all_in(battered)
    assert system.pipelines[0].starts == before
    battered.check_letters()


def refused_at(scene: Scene, partition: int) -> set[int]:
    """The offsets of a partition for which there is a dead letter, of one record or of many."""
    letters = [letter["data"] for letter in scene.system.dead_letters()]
    return {
        offset
        for data in letters
        if data["partition"] == partition
        for offset in range(data["offset"], data.get("lastOffset", data["offset"]) + 1)
    }


def held_partitions(scene: Scene) -> float:
    name = "shopstream_held_partitions "
    lines = scene.system.metrics(scene.system.pipelines[0]).splitlines()
    return next(float(line.removeprefix(name)) for line in lines if line.startswith(name))


def test_the_broker_dies_while_a_flooded_partition_is_held(own: Scene) -> None:
    """Records that are none fill their partition's share of what may wait, so that it is not read on; then Kafka is
    gone, with most of them still to be read."""
    system = own.system
    system.start()
    pipeline = system.pipelines[0]
    own.send(orders(300, 500, prefix="held"))
    system.settle()
    system.engine.freeze()  # no batch ends: what is read waits
    own.send(orders(301, 500, prefix="held"))
    flood = 300_000 if FULL else 120_000
    first = asyncio.run(send_batch(system, "zstd", [b"junk"] * flood, 2))
    own.send(orders(302, 500, prefix="held"))
    eventually(lambda: held_partitions(own) == 1, 30, "the flooded partition is held")
    system.broker.kill()
    system.engine.wake()
    time.sleep(AWAY_SECONDS)
    system.start_broker()
    began = time.monotonic()
    own.send(orders(303, 500, prefix="held"))
    system.settle(90)
    print(f"all in {time.monotonic() - began:.1f} s after the broker was back")
    assert pipeline.starts == 1
    assert held_partitions(own) == 0
    assert refused_at(own, 2) == set(range(first, first + flood))
    own.compare()


def test_a_worker_that_dies_before_it_has_sent_a_dead_letter_leaves_it_to_the_next(
    own: Scene,
) -> None:
    """Progress has passed the record then, and the commit has not."""
    system = own.system
    system.start()
    limit = "max.message.bytes"
    alter(system.bootstrap, DEADLETTERS, AlterConfigOpType.SET, {limit: "100"})
    refused = replace(record(order("s", "o")), value=b"junk", refusal=Refusal("not_json"))
    own.send([*orders(310, 50), refused, *orders(311, 50)])
    own.check()

    def behind() -> int:
        committed = system.kafka.committed(GROUP, system.ends)
        return sum(max(committed[place], 0) < end for place, end in system.ends.items())

    eventually(lambda: behind() == 1, 20, "all else is committed")
    assert not system.dead_letters()
    system.pipelines[0].kill()
    alter(system.bootstrap, DEADLETTERS, AlterConfigOpType.DELETE, {limit: ""})
    system.pipelines[0].start()
    own.check_letters()
    assert len(system.dead_letters()) == 1


def open_batches(scene: Scene) -> set[str]:
    rows = scene.system.sql.rows("SELECT batch FROM batches GROUP BY batch HAVING NOT max(applied)")
    return {row[0] for row in rows}


def freeze_in_mid_flush(scene: Scene, victim: Child) -> set[str]:
    """Freezes the pipeline while a batch of its own is begun and not marked; which batches those are.

    A batch of the other pipeline is marked while we look, so what stays open is the victim's.
    """
    chance = random.Random(5)
    for attempt in range(40):
        scene.send(versions(1000 + attempt, 300, prefix="fence"))
        eventually(lambda: open_batches(scene), 10, "a batch begins", pause=0)
        some_time(chance, 0.05)
        victim.freeze()
        until = time.monotonic() + 1.0
        while (found := open_batches(scene)) and time.monotonic() < until:
            time.sleep(0.05)
        if found:
            return found
        victim.wake()
        scene.system.settle()
    raise AssertionError("never frozen in mid-flush")


def test_a_frozen_pipeline_wakes_after_its_partitions_went_to_another(own: Scene) -> None:
    system = own.system
    system.start(pipelines=2)
    own.send(orders(200, 500, prefix="fence"))
    own.system.settle()
    zombie, heir = system.pipelines
    frozen = freeze_in_mid_flush(own, zombie)
    own.send(stirred(201, orders(201, 1500, prefix="fence")))
    # the heir has everything only once the zombie is out of the group and its batch is finished
    system.settle(60)
    assert not frozen & open_batches(own)
    own.compare()
    zombie.wake()
    own.send(stirred(202, orders(202, 1500, prefix="fence")))
    system.settle(90, revive=True)
    own.compare()
    assert heir.starts == 1
    eventually(lambda: zombie.running or system.revive(), 10, "the zombie is a worker again")
    system.until_ready(zombie, 60)
    own.send(orders(203, 500, prefix="fence"))
    system.settle(90, revive=True)
    own.compare()
    print(f"zombie: {zombie.starts} starts, batches {sorted(frozen)}")
