"""`shopstream migrate`: what it makes, and what it says of topics that others made."""

from collections.abc import Iterator

import pytest
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigResource, ResourceType
from kafka_ground import Ground

from shopstream.broker import TopicAdmin
from shopstream.contracts.topics import ALERTS, TOPICS, Topic
from shopstream.settings import Settings
from support.kafka import alter

OTHER = {
    "retention.ms": "1000",
    "retention.bytes": "5000000",
    "cleanup.policy": "compact",
    "max.message.bytes": "100000",
    "message.timestamp.type": "CreateTime",
}


def configs(bootstrap: str, topic: str) -> dict[str, str]:
    wanted = ConfigResource(ResourceType.TOPIC, topic)
    admin = AdminClient({"bootstrap.servers": bootstrap})
    found = admin.describe_configs([wanted])[wanted].result(10)
    return {name: entry.value for name, entry in found.items()}


@pytest.fixture
def altered(ground: Ground) -> Iterator[None]:
    bootstrap = ground.scene.system.bootstrap
    before = configs(bootstrap, ALERTS)
    alter(bootstrap, ALERTS, AlterConfigOpType.SET, OTHER)
    yield
    alter(bootstrap, ALERTS, AlterConfigOpType.SET, {name: before[name] for name in OTHER})


def test_it_makes_every_topic_as_the_contract_says(ground: Ground) -> None:
    system = ground.scene.system
    lines = ground.said.splitlines()
    assert [f"created topic {topic.name}" for topic in TOPICS] == lines[: len(TOPICS)]
    assert lines[-1].startswith(f"{len(TOPICS)} topics created, ")
    about = AdminClient({"bootstrap.servers": system.bootstrap}).list_topics(timeout=5).topics
    for topic in TOPICS:
        partitions = about[topic.name].partitions
        assert len(partitions) == (topic.partitions or system.settings.kafka_partitions)
        assert {len(each.replicas) for each in partitions.values()} == {1}
        assert topic.config.items() <= configs(system.bootstrap, topic.name).items()


def test_run_again_it_does_nothing_and_has_nothing_to_say(ground: Ground) -> None:
    assert ground.scene.system.run("migrate") == "0 topics created, 0 migrations run\n"


@pytest.mark.usefixtures("altered")
def test_it_says_which_settings_differ_and_leaves_them(ground: Ground) -> None:
    system = ground.scene.system
    before = configs(system.bootstrap, ALERTS)
    assert system.run("migrate").splitlines() == [
        f"differs, left as it is: {ALERTS}: cleanup.policy is compact, not delete",
        f"differs, left as it is: {ALERTS}: max.message.bytes is 100000, not 1048588",
        f"differs, left as it is: {ALERTS}: message.timestamp.type is CreateTime, not LogAppendTime",
        f"differs, left as it is: {ALERTS}: retention.bytes is 5000000, not 536870912",
        f"differs, left as it is: {ALERTS}: retention.ms is 1000, not 604800000",
        "0 topics created, 0 migrations run",
    ]
    assert configs(system.bootstrap, ALERTS) == before


def test_what_the_broker_decides_against_is_said_at_once(ground: Ground) -> None:
    """A topic that is made with other settings than most: what is told is what the broker has."""
    settings = Settings(kafka_bootstrap=ground.scene.system.bootstrap, kafka_partitions=3)
    small = Topic("migrate.small", (), config={"max.message.bytes": "1000"})
    with TopicAdmin(settings) as admin:
        assert admin.create_missing([small]).created == ("migrate.small",)
        roomy = Topic("migrate.small", (), config={"max.message.bytes": "900"})
        assert admin.create_missing([roomy]).differs == ()
    with TopicAdmin(settings.model_copy(update={"kafka_replication": 2})) as admin:
        strict = Topic("migrate.small", (), 5, {"max.message.bytes": "2000", "segment.ms": "60000"})
        report = admin.create_missing([strict])
    assert report.created == ()
    assert [str(each) for each in report.differs] == [
        "migrate.small: partitions is 3, not 5",
        "migrate.small: replication is 1, not 2",
        "migrate.small: max.message.bytes is 1000, not 2000",
        "migrate.small: segment.ms is 604800000, not 60000",
    ]
