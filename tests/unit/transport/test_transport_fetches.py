"""What a fetch response says of the log's end, and when it may be believed."""

from types import SimpleNamespace as Thing

from aiokafka.protocol.fetch import FetchRequest
from faust.types import TP

from pipeline.transport.partitions import Sample
from pipeline.transport.thread import WatchedClient, samples

REQUEST = FetchRequest(100, 1, 1000, 1, [("orders", [(0, 40, 1000), (1, 7, 1000)])])


def response(*partitions, version=11):
    return Thing(API_VERSION=version, topics=[("orders", list(partitions))])


def client_of(answer, position=40, active=True):
    state = Thing(has_valid_position=True, position=position)
    assignment = Thing(active=active, state_value=lambda tp: state)
    reported = []

    async def send(node_id, request):
        return answer

    watched = WatchedClient(
        Thing(send=send, cluster="c"),
        Thing(subscription=Thing(assignment=assignment)),
        lambda: 5.0,
        reported.append,
    )
    return watched, reported


def test_a_sample_has_the_high_watermark_also_while_a_transaction_is_open():
    for answer in (
        response((0, 0, 50, 45, 0, [], -1, b"")),
        response((0, 0, 50, 50, 0, [], -1, b"")),
        response((0, 0, 50, -1, [], b"")),
        response((0, 0, 50, b""), version=3),
    ):
        assert list(samples(REQUEST, answer, 9.0)) == [Sample(TP("orders", 0), 9.0, 40, 50)]


def test_partitions_with_an_error_or_not_asked_for_give_no_sample():
    answer = response((0, 1, 50, 50, 0, [], -1, b""), (2, 0, 50, 50, 0, [], -1, b""))
    assert list(samples(REQUEST, answer, 9.0)) == []


async def test_the_instant_is_that_before_the_request():
    answer = response((0, 0, 50, 50, 0, [], -1, b""))
    client, reported = client_of(answer)
    assert await client.send(1, REQUEST) is answer
    assert reported == [[Sample(TP("orders", 0), 5.0, 40, 50)]]


async def test_a_response_to_a_position_from_before_a_seek_is_not_reported():
    answer = response((0, 0, 50, 50, 0, [], -1, b""))
    for client, reported in (client_of(answer, position=41), client_of(answer, active=False)):
        await client.send(1, REQUEST)
        assert reported == []


async def test_everything_else_goes_through():
    client, reported = client_of("metadata")
    assert await client.send(1, object()) == "metadata"
    assert client.cluster == "c"
    assert reported == []
