"""Three brokers that stand in for each other: each dies in turn, and the numbers go on."""

import itertools
import time
from collections.abc import Iterator

import pytest
from kafka_load import Load, until_batches_come

from shopstream.broker import TopicAdmin
from shopstream.contracts.topics import TOPICS
from support.brokers import Brokers
from support.scene import Scene
from support.system import FULL, System

AWAY_SECONDS = 10.0 if FULL else 0.0
DEATHS = 6 if FULL else 1


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("cluster")
    with System(folder, brokers=Brokers(folder, nodes=3)).start() as system:
        yield Scene(system)


def test_brokers_die_in_turn_under_load(cluster: Scene) -> None:
    system = cluster.system
    brokers = system.brokers
    with Load(cluster, 20):
        for node in itertools.islice(itertools.cycle(brokers.nodes), DEATHS):
            until_batches_come(cluster)
            node.kill()
            until_batches_come(cluster)
            time.sleep(AWAY_SECONDS)
            brokers.start()
    system.settle(90)
    cluster.compare()
    assert system.pipelines[0].starts == 1


def test_topics_have_a_copy_on_each_of_them(cluster: Scene) -> None:
    settings = cluster.system.settings
    assert settings.kafka_replication == 3
    with TopicAdmin(settings) as admin:
        assert admin.create_missing(TOPICS).differs == ()
    with TopicAdmin(settings.model_copy(update={"kafka_replication": 1})) as admin:
        told = [str(each) for each in admin.create_missing(TOPICS).differs]
    assert told == [f"{topic.name}: replication is 3, not 1" for topic in TOPICS]
