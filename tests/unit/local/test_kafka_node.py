"""server.properties of the local Kafka, as text."""

import base64
import re
from pathlib import Path

from local.kafka.node import Node, new_cluster_id, properties

ONE = Node(1, 9092, 9093, Path("/srv/kafka"))
THREE = tuple(Node(n, 9000 + n, 9100 + n, Path(f"/srv/{n}")) for n in (1, 2, 3))
COPIES = {
    "offsets.topic.replication.factor",
    "transaction.state.log.replication.factor",
    "share.coordinator.state.topic.replication.factor",
}
IN_SYNC = {
    "min.insync.replicas",
    "transaction.state.log.min.isr",
    "share.coordinator.state.topic.min.isr",
}


def read(text: str) -> dict[str, str]:
    lines = text.splitlines()
    found = dict(line.split("=", 1) for line in lines)
    assert len(found) == len(lines)
    return found


def test_a_node_is_broker_and_controller_on_loopback_alone() -> None:
    found = read(properties(ONE))
    assert found["process.roles"] == "broker,controller"
    assert found["node.id"] == "1"
    assert found["listeners"] == "CLIENT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093"
    assert found["advertised.listeners"] == "CLIENT://127.0.0.1:9092"
    assert found["controller.quorum.voters"] == "1@127.0.0.1:9093"
    assert found["log.dirs"] == "/srv/kafka/data" == str(ONE.logs)


def test_a_partition_keeps_at_most_512_mib_in_segments_of_64() -> None:
    found = read(properties(ONE))
    assert found["log.retention.bytes"] == str(512 * 1024 * 1024)
    assert found["log.segment.bytes"] == str(64 * 1024 * 1024)


def test_a_topic_is_only_there_once_it_was_created() -> None:
    assert read(properties(ONE))["auto.create.topics.enable"] == "false"


def test_one_node_holds_the_only_copy() -> None:
    found = read(properties(ONE))
    assert {found[name] for name in COPIES | IN_SYNC} == {"1"}


def test_three_nodes_hold_a_copy_each_and_two_must_have_it() -> None:
    for node in THREE:
        found = read(properties(node, THREE))
        assert {found[name] for name in COPIES} == {"3"}
        assert {found[name] for name in IN_SYNC} == {"2"}
        assert found["node.id"] == str(node.number)
        assert found["controller.quorum.voters"] == (
            "1@127.0.0.1:9101,2@127.0.0.1:9102,3@127.0.0.1:9103"
        )
        addresses = re.findall(r"//([^:]+):", found["listeners"] + found["advertised.listeners"])
        assert set(addresses) == {"127.0.0.1"}


def test_settings_that_are_given_win() -> None:
    found = read(properties(ONE, more={"log.retention.bytes": "-1", "num.io.threads": "8"}))
    assert (found["log.retention.bytes"], found["num.io.threads"]) == ("-1", "8")


def test_a_backslash_in_the_folder_is_one_in_the_file_format_too() -> None:
    node = Node(1, 1, 2, Path("/srv/a\\b"))
    assert read(properties(node))["log.dirs"] == "/srv/a\\\\b/data"


def test_another_letter_in_the_folder_is_written_so_that_java_reads_it() -> None:
    found = properties(Node(1, 1, 2, Path("/srv/büro 😀")))
    assert found.isascii()
    assert read(found)["log.dirs"] == r"/srv/b\u00fcro \ud83d\ude00/data"


def test_a_cluster_id_is_sixteen_bytes_and_never_looks_like_an_option() -> None:
    found = {new_cluster_id() for _ in range(2000)}
    assert len(found) == 2000
    for each in found:
        assert re.fullmatch(r"[A-Za-z0-9]{22}", each)
        assert len(base64.urlsafe_b64decode(each + "==")) == 16
