"""What one producer writes costs that producer: batches that inflate without end, floods of records that are none.

Another shop's events, in the same partition and in others, reach its reports and its streams all the same, and no
process grows beyond a bound.
"""

import asyncio
import json
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from shopstream.inflate import MAX_INFLATED
from support.batches import MIB, damage, send_batch
from support.events import Sent, item, order
from support.system import FULL, System
from support.waiting import eventually

SHOP = "honest"
COPIES = 100 if FULL else 40
"""Of a batch of 16 MiB."""
GROWTH = 400 * MIB
"""What a process may take more than it had at rest, at its highest. The bombs of this test hold gigabytes."""
MADE: list[str] = []
"""The honest orders of this file."""
CODECS = ("zstd", "gzip", "lz4", "snappy")


def highest(system: System) -> dict[str, int]:
    """The most memory that each process ever had, in bytes."""
    children = {"pipeline": system.pipelines[0], "api": system.api}
    found = {}
    for name, child in children.items():
        assert child.process is not None
        for line in Path(f"/proc/{child.process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                found[name] = int(line.split()[1]) * 1024
    return found


def one_order(system: System, name: str, partition: int) -> str:
    """Its place."""
    value = json.dumps(order(SHOP, name, items=[item("p", 1, "2.00")])).encode()
    (place,) = system.produce([Sent(f"{SHOP}/{name}".encode(), value, partition=partition)])
    MADE.append(name)
    return f"{place.topic}:{place.partition}:{place.offset}"


def orders(system: System, place: str, within: float = 30) -> int:
    """In the report that includes this place."""
    found: dict[str, Any] = {}

    def included() -> bool:
        query = f"date=2026-11-22&includes={place}"
        status, body = system.get(f"/reports/daily-sales?{query}", [SHOP])
        found.update(json.loads(body))
        assert status in (200, 503), found
        return status == 200

    eventually(included, within, f"the order at {place} is in the report")
    return int(found["totalOrders"])


class Listener:
    """A stream of the shop: the ids of the orders that came."""

    def __init__(self, system: System) -> None:
        self.seen: list[str] = []
        self._ready = threading.Event()
        self._url = f"http://127.0.0.1:{system.port}/events?shopId={SHOP}"
        self._head = {"Authorization": f"Bearer {system.token(SHOP)}"}
        threading.Thread(target=self._run, daemon=True).start()
        assert self._ready.wait(10)

    def _run(self) -> None:
        # it ends with the server
        with (
            suppress(httpx.TransportError),
            httpx.stream("GET", self._url, headers=self._head, timeout=120) as answer,
        ):
            for line in answer.iter_lines():
                self._ready.set()
                if line.startswith("data:") and '"orderId"' in line:
                    self.seen.append(json.loads(line[5:])["data"]["orderId"])


def letters(system: System, partition: int) -> list[dict[str, Any]]:
    found = [letter["data"] for letter in system.dead_letters()]
    return [letter for letter in found if letter["partition"] == partition]


@pytest.mark.parametrize("partition, codec", list(enumerate(CODECS)))
def test_a_batch_that_inflates_without_end_is_one_dead_letter(
    codec: str, partition: int, system: System
) -> None:
    listener, before = Listener(system), highest(system)
    # what sits in one partition of one request: more than a gigabyte, in the time of one fetch
    values = [b"\0" * (9 * MIB // 2)] * 4
    first = asyncio.run(send_batch(system, codec, values, partition, copies=20))
    place = one_order(system, f"behind-{codec}", partition)
    assert orders(system, place) == len(MADE)
    eventually(lambda: f"behind-{codec}" in listener.seen, 30, "the order behind it is pushed")
    system.settle()
    found = [letter for letter in letters(system, partition) if letter.get("count")]
    assert [(letter["offset"], letter["lastOffset"], letter["count"]) for letter in found] == [
        (first + 4 * n, first + 4 * n + 3, 4) for n in range(20)
    ]
    assert {letter["reason"] for letter in found} == {"too_large"}
    assert all(letter["value"] is None and 0 < letter["size"] < 2 * MIB for letter in found)
    for name, most in highest(system).items():
        assert most - before[name] < GROWTH, (name, most, before[name])


def test_batches_just_below_the_bound_are_read_and_take_no_more_memory(system: System) -> None:
    before = highest(system)
    values = [b"\0" * (MAX_INFLATED // 2 - 100)] * 2
    first = asyncio.run(send_batch(system, "zstd", values, 1, copies=COPIES))
    place = one_order(system, "behind-many", 1)
    orders(system, place)
    system.settle()
    found = [letter for letter in letters(system, 1) if letter["offset"] >= first]
    assert [letter["offset"] for letter in found] == list(range(first, first + 2 * COPIES))
    assert {(letter["reason"], letter["size"]) for letter in found} == {
        ("too_large", len(values[0]))
    }
    for name, most in highest(system).items():
        assert most - before[name] < GROWTH, (name, most, before[name])


def test_a_flood_of_records_that_are_none_hides_nobody_and_fills_no_topic(system: System) -> None:
    before, told = highest(system), len(system.dead_letters())
    many = 1_000_000 if FULL else 300_000
    asyncio.run(send_batch(system, "zstd", [b"junk"] * many, 2))
    places = [one_order(system, f"beside-{partition}", partition) for partition in range(4)]
    began = time.monotonic()
    for place in (*places[:2], places[3]):
        orders(system, place, 120)
        print(f"{place} after {time.monotonic() - began:.1f} s")
    done = [letter["data"].get("count", 1) for letter in system.dead_letters()[told:]]
    if FULL:  # fewer may be refused sooner than three reports are read
        assert sum(done) < many, "the flooded partition is the last"
    orders(system, places[2], 120)
    print(f"{places[2]} after {time.monotonic() - began:.1f} s")
    system.settle(120)
    found = system.dead_letters()[told:]
    assert sum(letter["data"].get("count", 1) for letter in found) >= many
    assert {letter["data"]["reason"] for letter in found} == {"not_json"}
    assert len(found) < many / 20
    assert sum(len(json.dumps(letter)) for letter in found) < 20 * MIB
    for name, most in highest(system).items():
        assert most - before[name] < GROWTH, (name, most, before[name])


def skipped(system: System) -> float:
    """What the push of the API could not read."""
    text = system.get("/metrics")[1].decode()
    return float(text.split("\nshopstream_push_skipped_total ")[1].split()[0])


def test_a_header_whose_name_is_no_text_costs_the_rest_of_its_batch(system: System) -> None:
    listener, before = Listener(system), skipped(system)
    values = [b"first", b"second", b"third"]
    first = asyncio.run(send_batch(system, None, values, 0, name=b"na\xff\xfe"))
    place = one_order(system, "behind-a-name", 0)
    assert orders(system, place) == len(MADE)
    eventually(lambda: "behind-a-name" in listener.seen, 30, "the order behind it is pushed")
    system.settle()
    found = {letter["offset"]: letter for letter in letters(system, 0) if letter["offset"] >= first}
    assert found.keys() == {first, first + 1}
    assert "count" not in found[first]
    rest = found[first + 1]
    assert (rest["lastOffset"], rest["count"], rest["reason"]) == (first + 2, 2, "not_json")
    assert "cannot be unpacked (UnicodeDecodeError)" in rest["message"]
    assert skipped(system) == before + 2


def test_a_batch_that_the_broker_has_damaged_is_one_dead_letter_and_hides_nothing_behind_it(
    system: System,
) -> None:
    assert system.api.stop() == 0
    assert system.pipelines[0].stop() == 0
    values = [json.dumps(order(SHOP, f"damaged-{n}")).encode() for n in range(3)]
    first = asyncio.run(send_batch(system, None, values, 3))
    damage(system, 3, b"damaged-1")
    place = one_order(system, "behind-damage", 3)
    system.start_api()
    system.pipelines[0].start()
    system.until_ready(system.pipelines[0])
    listener = Listener(system)
    assert orders(system, place) == len(MADE)
    beside = one_order(system, "after-damage", 3)
    assert orders(system, beside) == len(MADE)
    eventually(lambda: "after-damage" in listener.seen, 30, "what comes later is pushed")
    system.settle()
    (found,) = [letter for letter in letters(system, 3) if letter["offset"] == first]
    assert (found["lastOffset"], found["count"], found["reason"]) == (first + 2, 3, "not_json")
    assert "is damaged" in found["message"]
    assert skipped(system) >= 3
    for child in (system.api, system.pipelines[0]):
        log = child.log.read_text()
        assert f"shop.orders:3: the batch at offset {first} is damaged; it is fetched again" in log
        assert "its records are lost" in log


def test_the_command_line_lists_what_stands_for_many(system: System) -> None:
    listed = [
        json.loads(line)
        for line in system.run("deadletters", "list", "--json", "--limit", "99999").splitlines()
    ]
    many = [letter for letter in listed if letter.get("count")]
    assert {letter["reason"] for letter in many} == {"too_large", "not_json"}
    assert "cannot be sent" in system.run(
        "deadletters", "retry", "--dry-run", "--topic", "shop.orders"
    )
