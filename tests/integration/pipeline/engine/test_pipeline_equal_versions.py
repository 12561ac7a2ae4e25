"""Of versions of one instant, as clocks that tick in seconds give, the last that arrived stands."""

import asyncio
import json
import random
from collections.abc import Callable
from typing import Any

import pytest

from clickhouse.client import Address
from clickhouse.migrations import migrate_engine
from clickhouse.verify import verify
from clickhouse.windows import WINDOWS
from pipeline.batch import assemble
from pipeline.decode import Run, decode
from shopstream.contracts.cursor import Partition
from support.engine_bench import Bench, Record
from support.events import Sent, item, level, order, payment, purchase, record, settings, supplier
from support.system import FULL

Event = dict[str, Any]
Make = Callable[[int, str, float], Event]

MAKERS: dict[str, Make] = {
    "shop.orders": lambda n, name, at: order(
        "s", "o", version=at, items=[item("p", n + 1, n + 2, name=f"T{n}")], event_id=name
    ),
    "shop.inventory": lambda n, name, at: level(
        "s", "p", n * 5, version=at, event_id=name, name=f"T{n}"
    ),
    "shop.payments": lambda n, name, at: payment(
        "s", "pay", failed=n % 2 == 1, version=at, amount=n + 1, event_id=name
    ),
    "shop.purchases": lambda n, name, at: purchase(
        "s", "b", received=n == 4, version=at, event_id=name, supplierId=f"u-{n}"
    ),
    "shop.suppliers": lambda n, name, at: supplier("s", "u", f"U{n}", version=at, event_id=name),
    "shop.settings": lambda n, name, at: settings(
        "s", ("UTC", "Europe/Berlin", "Asia/Tokyo")[n % 3], version=at, event_id=name, name=f"S{n}"
    ),
}
"""Of each topic an event whose content `n` decides; the time is in seconds."""
VERSIONED = [topic for topic in MAKERS if topic != "shop.purchases"]
TABLES = {
    "shop.orders": "orders",
    "shop.inventory": "levels",
    "shop.payments": "payments",
    "shop.suppliers": "suppliers",
    "shop.settings": "shops",
}
CONTENT = {
    "shop.orders": "`items.quantity`[1]",
    "shop.inventory": "intDiv(quantity, 5) + 1",
    "shop.payments": "toUInt8(amount)",
    "shop.suppliers": "toUInt8(substring(name, 2)) + 1",
    "shop.settings": "toUInt8(substring(name, 2)) + 1",
}
"""What the content decides."""


def records(topic: str, *names: str) -> list[Sent]:
    """Of one second; the content of `a2` is that of `a`."""
    make = MAKERS[topic]
    return [record(make(ord(name[0]) - ord("a"), name, 1)) for name in names]


async def write_each(bench: Bench, topic: str, *batches: list[Sent]) -> None:
    fence = await bench.own(topic)
    for sent in batches:
        await bench.write(bench.batch(*sent), fence)
        assert not bench.differences()


@pytest.mark.parametrize("topic", MAKERS)
async def test_the_last_that_arrived_stands_and_what_comes_again_changes_nothing(
    bench: Bench, topic: str
) -> None:
    steps = ["a", "b", "a", "ba", "c", "abc", "bc"]
    await write_each(bench, topic, *(records(topic, *step) for step in steps))
    await write_each(bench, topic, records(topic, *"abacbc"))


@pytest.mark.parametrize("topic", MAKERS)
async def test_the_same_in_one_batch(bench: Bench, topic: str) -> None:
    await write_each(bench, topic, records(topic, *"abacbab"), records(topic, *"ca"))


@pytest.mark.parametrize("topic", VERSIONED)
async def test_a_new_event_with_the_content_of_a_superseded_one_stands(
    bench: Bench, topic: str
) -> None:
    await write_each(bench, topic, records(topic, "a"), records(topic, "b"), records(topic, "a2"))
    await write_each(bench, topic, records(topic, "a", "b"), records(topic, "a2"))
    (version,) = bench.system.sql.rows(f"SELECT length(equals) FROM {TABLES[topic]} FINAL")
    assert version == ["3"]


async def test_an_alert_for_each_crossing_within_one_second(bench: Bench) -> None:
    levels = [
        record(level("s", f"p-{n}", quantity, version=1, event_id=f"{n}-{quantity}"))
        for quantity in (12, 11, 9)
        for n in range(20)
    ]
    await write_each(bench, "shop.inventory", levels, levels)
    assert bench.system.sql.rows("SELECT DISTINCT quantity FROM levels FINAL") == [["9"]]
    told = {json.loads(value)["id"]: json.loads(value) for value in bench.publisher.events}
    assert sorted(alert["data"]["productId"] for alert in told.values()) == sorted(
        f"p-{n}" for n in range(20)
    )
    assert {alert["type"] for alert in told.values()} == {"stock:low"}


@pytest.mark.parametrize("topic", MAKERS)
@pytest.mark.parametrize("seed", range(40 if FULL else 1))
async def test_any_history_cut_anywhere_with_crashes_anywhere(
    bench: Bench, topic: str, seed: int
) -> None:
    """Three instants, few events, many of them again; a batch ends at any step, and its records are read again,
    from there or from before, in other batches."""
    chance = random.Random(f"{topic} {seed}")
    made: dict[str, Event] = {}
    log = []
    for _ in range(30 if FULL else 20):
        name = f"{chance.choice('abcde')}{chance.randrange(8)}"
        at = chance.choice((1, 1, 2, 3)) if name not in made else 0
        made.setdefault(name, MAKERS[topic](ord(name[0]) - ord("a"), name, at))
        log.append(record(made[name]))
    bench.book.take_all(log)
    committed = 0
    while committed < len(log):
        fence = await bench.own(topic)
        end = min(len(log), committed + chance.randrange(1, 12))
        batch = bench.batch(*log[committed:end])
        steps = chance.randrange(4)
        await bench.begin(batch, fence)
        for _ in range(steps if steps < 3 else 1):
            await bench.writer.apply(topic, batch.id, fence)
        if steps == 3:
            assert await bench.store.mark(batch.id, fence)
            committed = end if chance.random() < 0.9 else chance.randrange(end + 1)
            continue
        owner = await bench.own(
            topic
        )  # another takes over, finishes the batch, and reads its records again
        await bench.writer.apply(topic, batch.id, owner)
        assert await bench.store.mark(batch.id, owner)
    assert not bench.differences()
    assert not (await verify_all(bench))


async def verify_all(bench: Bench) -> list[str]:
    """What `shopstream verify` finds; it has an event loop of its own."""
    found = await asyncio.to_thread(verify, bench.system.settings)
    return [str(difference) for difference in found.differences]


BEFORE = ("orders", "levels", "payments", "suppliers", "shops")
FED = ("apply_payments",)
FED_BEFORE = "141_apply_levels_equals"
"""Of a table that a later migration drops."""


async def make_old(bench: Bench, highest: bool) -> None:
    """The tables of a data directory from before `equals`, each row with the whole hash in its version."""
    tie = (
        "4294967295"
        if highest
        else "reinterpretAsUInt32(reverse(substring(SHA256('{}\na'), 1, 4)))"
    )
    sql = bench.system.sql
    for table in BEFORE:
        source = "/checkout" if table == "orders" else "/shop"
        version = (
            f"bitOr(bitShiftLeft(bitShiftRight(version, 32), 32), toUInt128({tie.format(source)}))"
        )
        sql.text(f"CREATE TABLE kept AS {table} ENGINE = Memory")
        sql.text(f"INSERT INTO kept SELECT * FROM {table}")
        sql.text(f"TRUNCATE TABLE {table}")
        sql.text(f"INSERT INTO {table} SELECT * REPLACE ({version} AS version) FROM kept")
        sql.text("DROP TABLE kept")
    for table in (*BEFORE, *FED):
        sql.text(f"ALTER TABLE {table} DROP COLUMN equals")
    sql.text(
        f"ALTER TABLE migrations DELETE WHERE name LIKE '%_equals' AND name != '{FED_BEFORE}'"
        " SETTINGS mutations_sync = 2"
    )
    address = Address.parse(bench.system.settings.clickhouse_url.get_secret_value())
    assert len(await migrate_engine(address)) == len(BEFORE) + len(FED)


def standing(bench: Bench, topic: str) -> list[list[str]]:
    return bench.system.sql.rows(f"SELECT toString({CONTENT[topic]}) FROM {TABLES[topic]} FINAL")


async def test_rows_from_before_equal_versions_were_told_apart_keep_their_meaning(
    bench: Bench,
) -> None:
    for topic in VERSIONED:
        await write_each(bench, topic, records(topic, "a"))
    await make_old(bench, highest=False)
    for topic in VERSIONED:
        fence = await bench.own(topic)
        for names, winner in (("a", "1"), ("b", "2"), ("ab", "2"), ("c", "3"), ("abc", "3")):
            await bench.write(bench.batch(*records(topic, *names)), fence)
            assert standing(bench, topic) == [[winner]], (topic, names)
    assert not await verify_all(bench)


async def test_a_row_with_the_highest_tie_is_superseded_too(bench: Bench) -> None:
    for topic in VERSIONED:
        await write_each(bench, topic, records(topic, "a"))
    await make_old(bench, highest=True)
    for topic in VERSIONED:
        fence = await bench.own(topic)
        for names, winner in (("b", "2"), ("c", "3"), ("bc", "3")):
            await bench.write(bench.batch(*records(topic, *names)), fence)
            assert standing(bench, topic) == [[winner]], (topic, names)
    (orders,) = bench.system.sql.rows(
        f"SELECT sum(orders), sum(items) FROM {WINDOWS['sales_15m'].rows()}"
    )
    assert orders == ["1", "3"]


async def test_of_more_than_a_thousand_events_of_one_instant_the_last_thousand_are_known_again(
    bench: Bench,
) -> None:
    """One that is forgotten counts as new where it comes again; sums agree with the version that stands."""
    topic, make = "shop.orders", MAKERS["shop.orders"]
    sent = [record(make(n, f"e-{n}", 1)) for n in range(1100)]
    await write_each(bench, topic, sent[:700], sent[700:], sent[100:], sent[:1])
    rows = bench.system.sql.rows("SELECT `items.quantity`, length(equals) FROM orders FINAL")
    assert rows == [[["1"], "1000"]]
    await bench.write(bench.batch(*sent), await bench.own(topic))
    assert not await verify_all(bench)


@pytest.mark.parametrize("topic", VERSIONED)
async def test_what_was_forgotten_of_an_instant_stands_where_all_is_sent_again(
    bench: Bench, topic: str
) -> None:
    """Of 1,100 events the last 1,000 are known: the hundredth is the last that is new."""
    sent = [record(MAKERS[topic](n % 37, f"e-{n}", 1)) for n in range(1100)]
    fence = await bench.own(topic)
    for batch, stands in ((sent, 1099), (sent[100:], 1099), (sent, 99), (sent[100:101], 100)):
        await bench.write(bench.batch(*batch), fence)
        assert standing(bench, topic) == [[str(stands % 37 + 1)]]
    assert not await verify_all(bench)


ID = {
    "shop.orders": ("orderId", "order_id"),
    "shop.inventory": ("productId", "product_id"),
    "shop.payments": ("paymentId", "payment_id"),
    "shop.suppliers": ("supplierId", "supplier_id"),
}
THINGS = 20


def of_thing(topic: str, event: Event, thing: str) -> Event:
    """The same event of another thing; settings are those of another shop."""
    if topic not in ID:
        return event | {"shopid": thing}
    return event | {"data": event["data"] | {ID[topic][0]: thing}}


@pytest.mark.parametrize("topic", VERSIONED)
@pytest.mark.parametrize("seed", range(10 if FULL else 1))
async def test_what_stands_is_the_last_of_the_latest_instant_however_two_partitions_are_read(
    bench: Bench, topic: str, seed: int
) -> None:
    """By the contract alone: an event is new if its instant is later than the latest of its thing, or the same one and
    the event was not met there. Events of one thing are in both partitions, and read again from anywhere."""
    chance = random.Random(f"{seed} {topic}")
    made: dict[str, tuple[str, int, Event]] = {}
    logs: tuple[list[str], list[str]] = ([], [])
    for _ in range(250 if FULL else 120):
        thing, letter = f"k-{chance.randrange(THINGS)}", chance.choice("abcde")
        name = f"{letter}{chance.randrange(4)} {thing}"
        if name not in made:
            at = chance.choice((1, 1, 2, 3))
            event = MAKERS[topic](ord(letter) - ord("a"), name, at)
            made[name] = (thing, at, of_thing(topic, event, thing))
        chance.choice(logs).append(name)
    met: dict[str, tuple[int, list[str]]] = {}
    committed, places = [0, 0], (Partition(topic, 0), Partition(topic, 1))
    while committed != [len(log) for log in logs]:
        fence = await bench.claim(*places)
        ends = [
            min(len(log), begin + chance.randrange(60))
            for begin, log in zip(committed, logs, strict=True)
        ]
        runs, names = [], []
        for n in chance.sample((0, 1), 2):
            part = logs[n][committed[n] : ends[n]]
            sent = [record(made[name][2]) for name in part]
            found = [Record(committed[n] + i, s.value, s.key) for i, s in enumerate(sent)]
            runs += [Run(n, 1, found)] if found else []
            names += part
        if not runs:
            continue
        batch = assemble(bench.numbers.next(), [decode(topic, runs)])
        await bench.begin(batch, fence)
        for name in names:
            thing, at, _ = made[name]
            latest, events = met.setdefault(thing, (0, []))
            if at > latest:
                met[thing] = (at, [name])
            elif at == latest and name not in events:
                events.append(name)
        crashed = chance.random() < 0.3
        for _ in range(chance.randrange(3) if crashed else 1):
            await bench.writer.apply(topic, batch.id, fence)
        owner = await bench.claim(*places) if crashed else fence
        if crashed:
            await bench.writer.apply(topic, batch.id, owner)
        assert await bench.store.mark(batch.id, owner)
        if not crashed:
            again = chance.random() < 0.2
            committed = [chance.randrange(end + 1) for end in ends] if again else ends
    column = ID.get(topic, ("", "shop_id"))[1]
    rows = bench.system.sql.rows(
        f"SELECT {column}, toString({CONTENT[topic]}), toString(length(equals)) FROM {TABLES[topic]} FINAL"
    )
    assert {thing: (content, known) for thing, content, known in rows} == {
        thing: (str(ord(events[-1][0]) - ord("a") + 1), str(len(events)))
        for thing, (_, events) in met.items()
    }
    assert not await verify_all(bench)
