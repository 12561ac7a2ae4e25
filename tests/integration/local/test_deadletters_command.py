"""`shopstream deadletters` against a broker alone; the letters are those that the pipeline writes."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from local_topics import delete_topics

from shopstream.broker import BrokerUnreachable, TopicAdmin
from shopstream.cli.deadletters import Reading, find
from shopstream.cli.deadletters_filter import DeadLetterFilter
from shopstream.contracts.deadletter import Record, dead_letter
from shopstream.contracts.reject import Reason, Refusal
from shopstream.contracts.topics import BY_NAME, DEADLETTERS, ORDERS, TOPICS, Topic
from support.brokers import OwnBroker
from support.events import Sent
from support.kafka import Place
from support.processes import free_port

BAD = b'{"shopid":"s","type":"order:created"}'
LETTERS = [
    (Record("shop.orders", 0, 1, 1, b"s/o-1", BAD), Refusal(Reason.MISSING_FIELD, "id", "no id")),
    (Record("shop.orders", 1, 2, 1, None, b"nope"), Refusal(Reason.NOT_JSON, None, "not JSON")),
    (
        Record("shop.orders", 0, 3, 1, b"s/o-1", BAD),
        Refusal(Reason.MISSING_FIELD, "id", "still no id"),
    ),
    (
        Record("shop.traffic", 0, 4, 1, b"t/v-1", b"x" * 600_000),
        Refusal(Reason.TOO_LARGE, None, "large"),
    ),
    (
        Record("shop.traffic", 0, 5, 1, b"t/v-1", b'{"x":"' + b"x" * 500_000 + b'"}'),
        Refusal(Reason.NOT_CLOUDEVENT, "type", "no type"),
    ),
]


@pytest.fixture
def empty(broker: OwnBroker) -> OwnBroker:
    """Without dead letters or orders."""
    delete_topics(broker.brokers.bootstrap, DEADLETTERS, ORDERS)
    with TopicAdmin(broker.settings) as topics:
        topics.create_missing(TOPICS)
    return broker


def write(broker: OwnBroker, letters: list[bytes]) -> list[Place]:
    topic = "shop.deadletters"
    sent = [Sent(None, each, topic=topic) for each in letters]
    return broker.client().produce(sent, lambda _: None)


def run(bootstrap: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    told = {"SHOPSTREAM_KAFKA_BOOTSTRAP": bootstrap, "SHOPSTREAM_DATA_DIR": "none"}
    return subprocess.run(
        [sys.executable, "-m", "shopstream", "deadletters", *arguments],
        env={**os.environ, **told},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_letters_are_listed_and_their_records_sent_again(empty: OwnBroker) -> None:
    at, client = empty.brokers.bootstrap, empty.client()
    none = run(at, "list")
    assert (none.returncode, none.stdout) == (0, "0 dead letters\n")
    letters = [dead_letter(*each) for each in LETTERS]
    write(empty, [*letters, letters[0]])

    table = run(at, "list").stdout.splitlines()
    assert [line.split()[2] for line in table[1:-1]] == [
        "shop.orders:0:1",
        "shop.orders:1:2",
        "shop.orders:0:3",
        "shop.traffic:0:4",
        "shop.traffic:0:5",
    ]
    assert table[-1] == "5 dead letters"

    lines = run(at, "list", "--json", "--shop", "s", "--limit", "1").stdout.splitlines()
    (told,) = [json.loads(line) for line in lines]
    assert (told["offset"], told["shop"], told["reason"]) == (3, "s", "missing_field")

    dry = run(at, "retry", "--dry-run").stdout
    assert dry == (
        "3 records would be sent, of 5 dead letters; 1 more is the same again\n"
        "1 cannot be sent (too_large: its bytes were not kept)\n"
    )
    done = run(at, "retry", "--topic", "shop.orders", "--since", "1h")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "2 records sent again, of 5 dead letters; 1 more is the same again\n"
    ends = {("shop.orders", p): 1 for p in range(4)}
    marks = [Sent(None, b"", topic="shop.orders", partition=p) for p in range(4)]
    for place in client.produce(marks, lambda _: None):
        ends[place[:2]] = place.offset
    reads = client.read(ends)
    assert sorted((r.key or b"", r.value) for r in reads) == [(b"", b"nope"), (b"s/o-1", BAD)]


def test_letters_of_a_former_reason_are_listed_too(empty: OwnBroker) -> None:
    at = empty.brokers.bootstrap
    former = dead_letter(
        Record("shop.orders", 0, 9, 1, None, BAD), Refusal(Reason.BAD_VALUE, None, "moved")
    ).replace(b'"bad_value"', b'"order_moved"')
    write(empty, [former])
    assert "shop.orders:0:9" in run(at, "list", "--reason", "order_moved").stdout
    other = run(at, "list", "--reason", "no_reason")
    assert (other.returncode, "must be one of too_large" in other.stderr) == (2, True)


def test_large_letters_and_many_are_read_to_the_end(empty: OwnBroker) -> None:
    some = [
        dead_letter(Record("shop.orders", 0, n, 1, b"k", b"v"), Refusal(Reason.NOT_JSON, None, "m"))
        for n in range(5000)
    ]
    big = dead_letter(*LETTERS[4])
    places = write(empty, [*some, *[big.replace(b":0:5", b":0:%d" % n) for n in range(6)]])
    # a client that meets a topic's leader only while it sends may write its first records later
    written = sorted(range(5000), key=lambda n: places[n].offset)
    reading = Reading()
    found = list(find(empty.settings, DeadLetterFilter(), None, reading))
    assert [letter.offset for letter in found if letter.reason == Reason.NOT_JSON] == written
    assert reading == Reading(5006, 5006, 0)


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
def test_letters_are_read_whatever_their_compression(codec: str, empty: OwnBroker) -> None:
    """A broker may compress a topic by itself."""
    topic = Topic(DEADLETTERS, (), 1, {**BY_NAME[DEADLETTERS].config, "compression.type": codec})
    delete_topics(empty.brokers.bootstrap, DEADLETTERS)
    with TopicAdmin(empty.settings) as topics:
        topics.create_missing([topic])
    refusal = Refusal(Reason.BAD_VALUE, "data.status", "no status")
    records = (Record("shop.orders", 0, n, 1, b"s/o-1", BAD) for n in range(120))
    write(empty, [dead_letter(record, refusal) for record in records])
    done = run(empty.brokers.bootstrap, "list")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "100 of 120 dead letters, the last ones"


def test_letters_are_followed_as_they_are_written(empty: OwnBroker) -> None:
    write(empty, [dead_letter(*each) for each in LETTERS[:3]])
    told = {"SHOPSTREAM_KAFKA_BOOTSTRAP": empty.brokers.bootstrap, "SHOPSTREAM_DATA_DIR": "none"}
    command = [
        sys.executable,
        "-m",
        "shopstream",
        "deadletters",
        "list",
        "--follow",
        "--limit",
        "1",
    ]
    with subprocess.Popen(
        [*command, "--shop", "s"], env={**os.environ, **told}, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            shown = [process.stdout.readline() for _ in range(3)]
            assert "shop.orders:0:3" in shown[1]
            assert shown[2] == "2 of 3 dead letters match, the last 1 shown\n"
            # one that is there already, one of another shop, and a new one
            new = Record("shop.orders", 0, 9, 1, b"s/o-9", BAD)
            refusal = Refusal(Reason.BAD_VALUE, "data.status", "no status")
            write(empty, [*(dead_letter(*each) for each in LETTERS[:2]), dead_letter(new, refusal)])
            line = process.stdout.readline()
            assert line.split()[2:5] == ["shop.orders:0:9", "s", "bad_value"]
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(20)  # its output is still open
            finally:
                process.kill()
    assert process.returncode == 130


def test_a_record_is_sent_again_with_its_headers(empty: OwnBroker) -> None:
    headers = (("ce_id", b"1"), ("ce_shopid", b"s-9"), ("trace", None), ("trace", b"\xff"))
    record = Record("shop.orders", 0, 1, 1, b"s-9/o", b"{}", headers)
    write(empty, [dead_letter(record, Refusal(Reason.MISSING_FIELD, "data.orderId", "no id"))])
    at = empty.brokers.bootstrap
    assert run(at, "retry", "--shop", "other").stdout.startswith("0 records sent again")
    assert run(at, "retry", "--shop", "s-9").stdout.startswith("1 record sent again")
    marks = [Sent(None, b"", topic="shop.orders", partition=p) for p in range(4)]
    places = empty.client().produce(marks, lambda _: None)
    reads = empty.client().read({place[:2]: place.offset + 1 for place in places})
    # kafka-python sends no header without a value
    sent = tuple((name, value or b"") for name, value in headers)
    assert [(r.key, r.value, r.headers) for r in reads if r.value] == [(b"s-9/o", b"{}", sent)]


def test_a_broker_that_is_away_is_one_sentence() -> None:
    port = free_port()
    for command in ("list", "retry"):
        done = run(f"127.0.0.1:{port}", command)
        assert done.returncode == 1
        assert done.stderr.startswith(f"Kafka does not answer at 127.0.0.1:{port}")
        assert done.stderr.count("\n") == 1


def test_a_broker_that_falls_silent_while_it_is_read_is_told(
    empty: OwnBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shopstream.cli.topic_reader.SILENT_SECONDS", 1.0)
    (node,) = empty.brokers.nodes
    write(empty, [dead_letter(*LETTERS[4]).replace(b":0:5", b":0:%d" % n) for n in range(40)])
    letters = iter(find(empty.settings, DeadLetterFilter(), None, Reading()))
    next(letters)
    node.freeze()
    begun = time.monotonic()
    try:
        with pytest.raises(BrokerUnreachable):
            list(letters)
    finally:
        node.wake()
    assert time.monotonic() - begun < 15


@pytest.mark.parametrize(
    ("arguments", "flag"),
    [
        (("--since", "soon"), "--since"),
        (("--topic", "x"), "--topic"),
        (("--reason", "x"), "--reason"),
    ],
)
def test_a_flag_that_is_not_usable_ends_with_2(arguments: tuple[str, ...], flag: str) -> None:
    done = run("127.0.0.1:1", "list", *arguments)
    assert done.returncode == 2
    assert flag in done.stderr
