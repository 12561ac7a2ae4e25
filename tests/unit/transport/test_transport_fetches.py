"""What a fetch and its response say of the log's end, and when it may be believed."""

from contextlib import suppress
from types import SimpleNamespace as Thing

import pytest
from aiokafka.protocol.fetch import FetchRequest
from faust.types import TP

from pipeline.transport.fetched import FETCHED_BYTES, RESPONSE_BYTES, SHORT_BYTES, FetchedBytes
from pipeline.transport.partitions import Sample
from pipeline.transport.thread import WatchedClient

REQUEST = FetchRequest(100, 1, 1000, 1, [("orders", [(0, 40, 1000), (1, 7, 1000)])])


ORDERS_0, ORDERS_1 = TP("orders", 0), TP("orders", 1)


def response(*partitions, version=11, session=0, error=0, throttle=0):
    topics = [("orders", list(partitions))] if partitions else []
    head = {"throttle_time_ms": throttle, "error_code": error, "session_id": session}
    return Thing(API_VERSION=version, topics=topics, **head)


def client_of(*answers, position=40, active=True):
    """Answers one fetch after the other; gives what it has sent too."""
    states = {
        ORDERS_0: Thing(has_valid_position=True, position=position),
        ORDERS_1: Thing(has_valid_position=True, position=7),
    }
    assignment = Thing(active=active, state_value=states.get)
    reported, sent, left = [], [], list(answers)

    async def send(node_id, request):
        sent.append(request)
        answer = left.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    watched = WatchedClient(
        Thing(send=send, cluster="c"),
        Thing(subscription=Thing(assignment=assignment)),
        lambda: 5.0,
        reported.append,
        FetchedBytes(Thing(_records={}, wanted=None)),
    )
    return watched, reported, sent


def named(fetch):
    """The partitions that a fetch names."""
    built = fetch.prepare({1: (0, 17)})
    return {TP(topic, part[0]): part[2] for topic, parts in built.topics for part in parts}


async def test_a_sample_has_the_high_watermark_also_while_a_transaction_is_open():
    for answer in (
        response((0, 0, 50, 45, 0, [], -1, b"")),
        response((0, 0, 50, 50, 0, [], -1, b"")),
        response((0, 0, 50, -1, [], b"")),
        response((0, 0, 50, b""), version=3),
    ):
        client, reported, _ = client_of(answer)
        await client.send(1, REQUEST)
        assert reported == [[Sample(ORDERS_0, 5.0, 40, 50)]]


async def test_partitions_with_an_error_or_not_asked_for_give_no_sample():
    answer = response((0, 1, 50, 50, 0, [], -1, b""), (2, 0, 50, 50, 0, [], -1, b""))
    client, reported, _ = client_of(answer)
    await client.send(1, REQUEST)
    assert reported == []


async def test_a_partition_without_news_has_the_high_watermark_of_before():
    first = response((0, 0, 50, 50, 0, [], -1, b""), (1, 0, 9, 9, 0, [], -1, b""), session=3)
    moved = response((0, 0, 51, 51, 0, [], -1, b""), session=3)
    client, reported, sent = client_of(first, moved, response(session=3))
    for _ in range(3):
        await client.send(1, REQUEST)
    ends = [[sample.high_watermark for sample in samples] for samples in reported]
    assert ends == [[50, 9], [51, 9], [51, 9]]
    assert [named(fetch) for fetch in sent] == [{ORDERS_0: 40, ORDERS_1: 7}, {}, {}]


@pytest.mark.parametrize("version", [17, 10])
async def test_a_fetch_has_the_bounds_of_the_consumer(version):
    client, _, sent = client_of(response())
    await client.send(1, REQUEST)
    built = sent[0].prepare({1: (0, version)})
    assert (built.max_wait_time, built.min_bytes) == (100, 1)
    assert {part[-1] for _, parts in built.topics for part in parts} == {1000}


async def test_a_response_that_a_quota_withholds_says_nothing_of_the_ends():
    """The broker names no partition then, also where its high watermark is another one."""
    first = response((0, 0, 50, 50, 0, [], -1, b""), (1, 0, 9, 9, 0, [], -1, b""), session=3)
    moved = response((0, 0, 60, 60, 0, [], -1, b""), session=3, throttle=20)
    client, reported, sent = client_of(first, response(session=3, throttle=100), moved)
    for _ in range(3):
        await client.send(1, REQUEST)
    assert [[one.high_watermark for one in samples] for samples in reported] == [[50, 9], [60, 9]]
    assert named(sent[2]) == {}


async def test_one_that_failed_gives_no_sample_until_it_has_an_end_again():
    first = response((0, 0, 50, 50, 0, [], -1, b""), (1, 0, 9, 9, 0, [], -1, b""), session=3)
    failed = response((1, 6, -1, -1, -1, [], -1, b""), session=3)
    again = response((1, 0, 9, 9, 0, [], -1, b""), session=3)
    client, reported, _ = client_of(first, failed, response(session=3), again)
    for _ in range(4):
        await client.send(1, REQUEST)
    assert [len(samples) for samples in reported] == [2, 1, 1, 2]


async def test_a_session_that_is_gone_says_nothing_and_begins_anew():
    first = response((0, 0, 50, 50, 0, [], -1, b""), session=3)
    for gone in (response(error=70), ConnectionError()):
        client, reported, sent = client_of(first, gone, first)
        await client.send(1, REQUEST)
        with suppress(ConnectionError):
            await client.send(1, REQUEST)
        assert len(reported) == 1
        await client.send(1, REQUEST)
        assert named(sent[2]) == {ORDERS_0: 40, ORDERS_1: 7}
        assert reported[1] == reported[0]


async def test_a_fetch_asks_for_as_much_of_a_partition_as_the_consumer_is_set_to():
    for version in (4, 11):
        client, _, sent = client_of(response((0, 0, 50, 50, 0, [], -1, b"")))
        await client.send(1, REQUEST)
        built = sent[0].prepare({1: (0, version)})
        assert [part[-1] for _, parts in built.topics for part in parts] == [1000, 1000]


async def test_the_instant_is_that_before_the_request():
    answer = response((0, 0, 50, 50, 0, [], -1, b""))
    client, reported, _ = client_of(answer)
    assert await client.send(1, REQUEST) is answer
    assert reported == [[Sample(ORDERS_0, 5.0, 40, 50)]]


async def test_a_response_to_a_position_from_before_a_seek_is_not_reported():
    answer = response((0, 0, 50, 50, 0, [], -1, b""))
    for client, reported, _ in (client_of(answer, position=41), client_of(answer, active=False)):
        await client.send(1, REQUEST)
        assert reported == []


async def test_everything_else_goes_through():
    client, reported, _ = client_of("metadata")
    assert await client.send(1, object()) == "metadata"
    assert client.cluster == "c"
    assert reported == []


class Fetched:
    """What is held, as an aiokafka fetcher has it: bytes by partition."""

    def __init__(self, **sizes):
        def records(size):
            return Thing(_records=Thing(size_in_bytes=lambda: size), _records_iterator=None)

        self._records = {
            TP("orders", int(name[1:])): Thing(_partition_records=records(size))
            for name, size in sizes.items()
        }
        self.wanted = {TP("orders", 9)}
        self._wait_consume_future = None

    def _notify(self, future): ...


def test_a_broker_of_which_nothing_is_wanted_takes_nothing_of_the_bound():
    fetcher = Fetched(p1=FETCHED_BYTES // 2)
    bounds = FetchedBytes(fetcher)
    for node in range(9):
        assert not bounds.bound(node, {ORDERS_0: 1})[0]
    fetcher._records.clear()
    for node in range(2):
        assert bounds.bound(node, {ORDERS_0: 1}) == ({ORDERS_0: 1}, RESPONSE_BYTES)


def test_what_is_asked_for_counts_until_it_is_there():
    fetcher = Fetched(p1=FETCHED_BYTES)
    bounds = FetchedBytes(fetcher)
    wanted = {TP("orders", 9): 1}
    assert bounds.bound(1, {**wanted, ORDERS_0: 1}) == (wanted, SHORT_BYTES)
    assert not fetcher._records  # nobody reads it on
    for node in range(2, 6):
        bounds.bound(node, wanted)
    assert bounds.bound(6, {**wanted, ORDERS_0: 1})[0] == wanted
    for node in range(1, 7):
        bounds.answered(node)
    assert bounds.bound(6, {**wanted, ORDERS_0: 1})[1] == RESPONSE_BYTES
