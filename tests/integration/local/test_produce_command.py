"""`shopstream produce`, and `migrate`'s topics."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from local_topics import delete_topics

from shopstream.broker import TopicAdmin, epoch_of
from shopstream.cli.produce import MAX_LINE
from shopstream.contracts.topics import BY_NAME, TOPICS, Topic
from support.brokers import OwnBroker
from support.processes import free_port


def produce(
    broker: OwnBroker, directory: Path, *arguments: str, stdin: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    told = {
        "SHOPSTREAM_KAFKA_BOOTSTRAP": broker.settings.kafka_bootstrap,
        "SHOPSTREAM_DATA_DIR": str(directory),
    }
    return subprocess.run(
        [sys.executable, "-m", "shopstream", "produce", *arguments],
        env={**os.environ, **told},
        input=stdin,
        capture_output=True,
        timeout=60,
    )


def order(number: int, **data: Any) -> bytes:
    event = {"specversion": "1.0", "id": str(number), "source": "/t", "type": "order:created"}
    at = "2026-11-22T10:15:30Z"
    plain = {
        "orderId": f"o-{number}",
        "status": "paid",
        "currency": "EUR",
        "createdAt": at,
        "updatedAt": at,
        "items": [{"productId": "p", "quantity": 1, "unitPrice": "1.50"}],
    }
    return json.dumps({**event, "shopid": "s", "data": plain | data}).encode()


def test_topics_are_created_once_and_differences_are_told(broker: OwnBroker) -> None:
    with TopicAdmin(broker.settings) as admin:
        report = admin.create_missing(TOPICS)
        assert report.created == ()
        assert report.differs == ()
        assert admin.partitions(["shop.orders", "none"]) == {"shop.orders": 4, "none": 0}
    with TopicAdmin(broker.settings.model_copy(update={"kafka_partitions": 5})) as admin:
        differs = admin.create_missing([BY_NAME["shop.orders"]]).differs
    assert [str(each) for each in differs] == ["shop.orders: partitions is 4, not 5"]


def test_a_topic_made_again_has_another_epoch(broker: OwnBroker) -> None:
    again = Topic("epochs", ())
    with TopicAdmin(broker.settings) as admin:
        admin.create_missing([again])
        before = admin.topic_ids(["epochs", "none"])
        delete_topics(broker.brokers.bootstrap, "epochs")
        assert admin.topic_ids(["epochs"]) == {"epochs": None}
        admin.create_missing([again])
        after = admin.topic_ids(["epochs"])["epochs"]
    first = before["epochs"]
    assert before["none"] is None
    assert first is not None
    assert after is not None
    assert epoch_of(first) != epoch_of(after)


def test_good_lines_go_and_bad_ones_are_named_by_line(broker: OwnBroker, tmp_path: Path) -> None:
    lines = [order(1), b"", b"nope", order(2), b'{"type":"stock:low"}']
    done = produce(broker, tmp_path, "-", stdin=b"\n".join(lines) + b"\n")
    assert done.returncode == 1
    errors = done.stderr.decode().splitlines()
    assert errors[0].startswith("line 3: not JSON")
    assert errors[1] == "line 5: 'stock:low' is not a type of event that shops send"
    assert len(errors) == 3
    assert errors[2].startswith("2 events sent in ")
    assert errors[2].endswith("2 lines not sent")
    topic, partition, offset = done.stdout.decode().strip().split(":")
    assert topic == "shop.orders"
    assert 0 <= int(partition) < 4
    assert int(offset) >= 0


@pytest.mark.parametrize("events", [1, 20])
def test_a_pretty_printed_file_stops_early_with_a_hint(
    broker: OwnBroker, tmp_path: Path, events: int
) -> None:
    file = tmp_path / "orders of today.json"
    pretty = (json.dumps(json.loads(order(n)), indent=2) for n in range(events))
    file.write_text("\n".join(pretty))
    done = produce(broker, tmp_path, str(file))
    (line,) = done.stderr.decode().splitlines()
    assert (done.returncode, done.stdout) == (1, b"")
    assert "nothing was sent (line 1: not JSON" in line
    assert line.endswith(f"It is JSON over several lines: jq -c . '{file}' | shopstream produce -")


def test_each_line_is_held_to_the_contract_before_it_goes(
    broker: OwnBroker, tmp_path: Path
) -> None:
    lines = [order(1, status="lost"), order(2), order(3, items=[{"productId": "p"}])]
    done = produce(broker, tmp_path, "-", stdin=b"\n".join(lines))
    assert done.returncode == 1
    errors = done.stderr.decode().splitlines()
    assert errors[0].startswith("line 1: data.status must be one of pending, paid")
    assert errors[1].startswith("line 3: data.items[0].quantity is required; ")
    assert errors[2].startswith("1 event sent in ")
    assert errors[2].endswith("2 lines not sent")

    done = produce(broker, tmp_path, "-", "--no-check", stdin=b"\n".join(lines))
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith(b"3 events sent in ")


def test_after_twenty_faults_the_rest_is_not_read(broker: OwnBroker, tmp_path: Path) -> None:
    wrong = [order(n, currency="eur") for n in range(40)]
    done = produce(broker, tmp_path, "-", stdin=b"\n".join([order(0), *wrong, order(1)]))
    assert done.returncode == 1
    *errors, last = done.stderr.decode().splitlines()
    assert [error.partition(":")[0] for error in errors] == [f"line {n}" for n in range(2, 22)]
    assert last.startswith("1 event sent in ")
    assert last.endswith("20 lines not sent, stopped at line 21")


def test_a_line_without_end_is_refused_and_those_around_it_go(
    broker: OwnBroker, tmp_path: Path
) -> None:
    long = order(2) + b" \r" * MAX_LINE + b"x"
    for topic in ([], ["--topic", "shop.orders"]):
        lines = [order(1), long, order(3)]
        done = produce(broker, tmp_path, "-", *topic, stdin=b"\n".join(lines))
        errors = done.stderr.decode().splitlines()
        assert done.returncode == 1
        assert errors[0] == "line 2: the line has 4,194,304 bytes or more"
        assert errors[1].startswith("2 events sent in ")


def test_a_file_is_sent_whole(broker: OwnBroker, tmp_path: Path) -> None:
    file = tmp_path / "orders.jsonl"
    file.write_bytes(b"\n".join(order(number) for number in range(20_000)))
    done = produce(broker, tmp_path, str(file))
    assert done.returncode == 0, done.stderr
    assert done.stderr.decode().splitlines()[-1].startswith("20,000 events sent in ")


def test_with_a_topic_every_line_goes(broker: OwnBroker, tmp_path: Path) -> None:
    done = produce(broker, tmp_path, "-", "--topic", "shop.settings", stdin=b"nope\n\n{}\n")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(b"shop.settings:")
    assert done.stderr.startswith(b"3 events sent")


def test_the_rate_is_kept(broker: OwnBroker, tmp_path: Path) -> None:
    begun = time.monotonic()
    done = produce(
        broker, tmp_path, "-", "--rate", "20", stdin=b"\n".join(order(n) for n in range(21))
    )
    assert done.returncode == 0
    assert 1.0 <= time.monotonic() - begun < 30


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["/no/such/file"], "/no/such/file cannot be read (No such file or directory)."),
        (["-", "--topic", "none"], "The topic none does not exist"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    broker: OwnBroker, tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    done = produce(broker, tmp_path, *arguments, stdin=b"x\n")
    assert done.returncode == 1
    assert done.stderr.decode().startswith(sentence)
    assert done.stderr.count(b"\n") == 1


def test_a_broker_that_is_away_is_one_sentence(tmp_path: Path) -> None:
    port = free_port()
    environment = {**os.environ, "SHOPSTREAM_KAFKA_BOOTSTRAP": f"127.0.0.1:{port}"}
    done = subprocess.run(
        [sys.executable, "-m", "shopstream", "produce", "-"],
        env={**environment, "SHOPSTREAM_DATA_DIR": str(tmp_path)},
        input=b"",
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stderr.decode().startswith(f"Kafka does not answer at 127.0.0.1:{port}")
    assert done.stderr.count(b"\n") == 1


def test_every_fault_in_the_settings_is_listed(tmp_path: Path) -> None:
    faults = {"SHOPSTREAM_KAFKA_BOOTSTRAP": "nowhere", "SHOPSTREAM_PORT": "70000"}
    done = subprocess.run(
        [sys.executable, "-m", "shopstream", "produce", "-"],
        env={**os.environ, **faults, "SHOPSTREAM_DATA_DIR": str(tmp_path)},
        input=b"",
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert done.stderr.decode().splitlines() == [
        "SHOPSTREAM_KAFKA_BOOTSTRAP: 'nowhere' is not host:port",
        "SHOPSTREAM_PORT: Input should be less than or equal to 65535",
    ]
