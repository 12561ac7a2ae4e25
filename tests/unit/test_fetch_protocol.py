"""Fetches and their responses in one pass, against aiokafka's own encoding of them."""

import struct
from io import BytesIO
from typing import Any

import pytest
from aiokafka.protocol.fetch import FetchRequest, FetchRequest_v10, FetchRequest_v11
from aiokafka.protocol.fetch import FetchResponse_v11 as Theirs

from shopstream.fetch_protocol import FetchResponse, use_one_pass, watermarks

VERSIONS = {1: (0, 17)}


def fetch(**more: Any) -> FetchRequest:
    topics = [("shop.orders", [(0, 5, 1024), (11, 2**40, 1024)]), ("shöp", [(1, 0, 7)])]
    return FetchRequest(20, 65536, 2**25, 1, topics, **more)


def response(*topics: Any) -> Theirs:
    return Theirs(7, 0, 0, list(topics))


def decoded(theirs: Theirs) -> Any:
    """Behind a header of four bytes, as a connection reads it."""
    data = BytesIO(b"head" + theirs.encode())
    data.seek(4)
    return FetchResponse.decode(data)


@pytest.mark.parametrize("rack", ["", "eu-1"])
def test_a_fetch_is_encoded_as_by_aiokafka(rack: str) -> None:
    ours = fetch(rack_id=rack)
    use_one_pass(ours)
    assert ours.prepare(VERSIONS).encode() == fetch(rack_id=rack).prepare(VERSIONS).encode()


def test_the_response_to_an_older_fetch_is_left_to_aiokafka() -> None:
    ours = fetch()
    use_one_pass(ours)
    assert ours.prepare(VERSIONS).RESPONSE_TYPE is FetchResponse
    assert ours.prepare({1: (0, 10)}).RESPONSE_TYPE is FetchRequest_v10.RESPONSE_TYPE
    assert FetchRequest_v11.RESPONSE_TYPE is Theirs


def test_partitions_with_records_errors_or_another_replica_are_decoded_as_by_aiokafka() -> None:
    theirs = response(
        ("shop.orders", [(0, 0, 9, 8, 1, [], -1, b"records"), (3, 1, -1, -1, -1, [], -1, b"")]),
        ("shöp", [(2, 0, 9, 8, 1, [(4, 5), (6, 7)], -1, b"x"), (4, 0, 9, 9, 0, [], 2, b"")]),
    )
    ours = decoded(theirs)
    assert ours == theirs
    assert ours.API_VERSION == 11


def test_partitions_without_news_are_left_out() -> None:
    idle = [(1, 0, 9, 9, 0, [], -1, b""), (2, 0, 9, 9, 0, None, -1, None)]
    busy = (0, 0, 9, 8, 1, [], -1, b"records")
    found = decoded(response(("t", idle), ("u", [idle[0], busy, idle[1]])))
    assert found.topics == [("u", [busy])]
    assert decoded(response()).topics == []


def test_every_partition_without_an_error_has_its_high_watermark() -> None:
    idle, failed = (1, 0, 9, 9, 0, [], -1, b""), (2, 1, -1, -1, -1, [], -1, b"")
    theirs = response(("t", [idle, failed]), ("u", [(0, 0, 12, 8, 1, [], -1, b"records")]))
    assert list(watermarks(theirs)) == [("t", 1, 9), ("u", 0, 12)]
    assert list(watermarks(decoded(theirs))) == [("t", 1, 9), ("u", 0, 12)]


def test_an_error_without_records_keeps_its_null() -> None:
    assert decoded(response(("t", [(0, 1, -1, -1, -1, None, -1, None)]))).topics == [
        ("t", [(0, 1, -1, -1, -1, [], -1, None)])
    ]


def test_a_response_that_is_cut_off_is_an_error() -> None:
    whole = response(("t", [(0, 0, 9, 8, 1, [], -1, b"records")])).encode()
    with pytest.raises(struct.error):
        FetchResponse.decode(BytesIO(whole[:30]))
