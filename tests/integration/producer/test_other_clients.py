"""The programs of examples/producers: each puts an order into the partition that the producer in Python chooses."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from local.kafka.install import install
from shopstream.contracts.routing import route
from shopstream.producer import ShopProducer
from support import foreign
from support.brokers import OwnBroker
from support.kafka import Kafka

ROOT = Path(__file__).parents[3]
PROGRAMS = ROOT / "examples" / "producers"
PAGE = (ROOT / "docs" / "producing.md").read_text()
ORDERS = 200


@pytest.fixture(scope="module")
def lines() -> list[bytes]:
    event = {"specversion": "1.0", "source": "/t", "type": "order:created", "shopid": "clients"}
    at = "2026-11-22T10:15:30Z"
    data = {
        "status": "paid",
        "currency": "EUR",
        "createdAt": at,
        "updatedAt": at,
        "items": [{"productId": "p", "quantity": 1, "unitPrice": "1.10"}],
    }
    return [
        json.dumps({**event, "id": f"e{n}", "data": {"orderId": f"o-\u00e4{n}", **data}}).encode()
        for n in range(ORDERS)
    ]


@pytest.fixture(scope="module")
def expected(broker: OwnBroker, lines: list[bytes]) -> set[tuple[int, bytes | None, bytes | None]]:
    """Partition, key and value of each, as the producer in Python sends it."""
    with ShopProducer(broker.settings) as producer:
        sent = [(line, producer.send(line)) for line in lines]
        return {(each.place().partition, route(line).key, line) for line, each in sent}


def written(
    broker: OwnBroker, begin: dict[int, int]
) -> set[tuple[int, bytes | None, bytes | None]]:
    ends = {("shop.orders", partition): end for partition, end in ends_of(broker).items()}
    reads = Kafka(broker.brokers.bootstrap).read(ends)
    return {
        (read.place.partition, read.key, read.value)
        for read in reads
        if read.place.offset >= begin[read.place.partition]
    }


def ends_of(broker: OwnBroker) -> dict[int, int]:
    consumer = Consumer({"bootstrap.servers": broker.brokers.bootstrap, "group.id": "ends"})
    try:
        places = (TopicPartition("shop.orders", partition) for partition in range(4))
        return {at.partition: consumer.get_watermark_offsets(at, timeout=10)[1] for at in places}
    finally:
        consumer.close()


def run(command: list[str], given: bytes) -> None:
    ran = subprocess.run(command, input=given, capture_output=True, timeout=120)
    assert ran.returncode == 0, ran.stderr.decode()[-2000:]


def test_java(broker: OwnBroker, lines: list[bytes], expected: set[object]) -> None:
    if shutil.which("java") is None:
        pytest.skip("java is not installed")
    jars = ":".join(map(str, install(broker.settings).jars))
    source = str(PROGRAMS / "java" / "Produce.java")
    begin = ends_of(broker)
    given = [b"%b\t%b" % (route(line).key, line) for line in lines]
    run(["java", "-cp", jars, source, broker.brokers.bootstrap], b"\n".join(given))
    assert written(broker, begin) == expected


def test_node(broker: OwnBroker, lines: list[bytes], expected: set[object]) -> None:
    folder = foreign.made(PROGRAMS / "node", ("node", "npm"), foreign.node)
    begin = ends_of(broker)
    run(["node", str(folder / "produce.mjs"), broker.brokers.bootstrap], b"\n".join(lines))
    assert written(broker, begin) == expected


def test_go(broker: OwnBroker, lines: list[bytes], expected: set[object]) -> None:
    folder = foreign.made(PROGRAMS / "go", ("go",), foreign.go)
    begin = ends_of(broker)
    run([str(folder / "read-sales"), broker.brokers.bootstrap], b"\n".join(lines))
    assert written(broker, begin) == expected


@pytest.mark.parametrize("partitioner", [None, "consistent_random"])
def test_php_by_the_settings_of_its_program_and_not_by_the_default(
    partitioner: str | None, broker: OwnBroker, lines: list[bytes], expected: set[object]
) -> None:
    """The library under the extension is the one under confluent-kafka."""
    program = (PROGRAMS / "php" / "produce.php").read_text()
    settings = dict(re.findall(r"\$conf->set\('([a-z.]+)', '([^']+)'\)", program))
    settings |= {} if partitioner is None else {"partitioner": partitioner}
    begin = ends_of(broker)
    producer = Producer({**settings, "bootstrap.servers": broker.brokers.bootstrap})
    for line in lines:
        producer.produce("shop.orders", line, route(line).key)
    assert producer.flush(30) == 0
    assert (written(broker, begin) == expected) is (partitioner is None)


@pytest.mark.parametrize(
    ("language", "file"),
    [
        ("java", "java/Produce.java"),
        ("js", "node/produce.mjs"),
        ("go", "go/main.go"),
        ("php", "php/produce.php"),
    ],
)
def test_a_snippet_of_the_page_is_of_its_program(language: str, file: str) -> None:
    (snippet,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert snippet in (PROGRAMS / file).read_text()
