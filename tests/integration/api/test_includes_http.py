import asyncio
import secrets
from datetime import datetime, timedelta
from decimal import Decimal

import httpx
from api_harness import Kafka, bearer, eventually, later, order_event, stream, token

from shopstream.contracts.cursor import Partition, Position, decode, encode
from shopstream.contracts.notices import Today, report_updated
from shopstream.contracts.topics import INPUTS, NOTICES, ORDERS

REPORT = "/reports/daily-sales"
P0, P1 = Partition(ORDERS, 0), Partition(ORDERS, 1)


async def report(http: httpx.AsyncClient, place: str = "") -> httpx.Response:
    params = {"includes": place} if place else {}
    return await http.get(REPORT, params=params, headers=bearer(token("i1")))


async def reached(http: httpx.AsyncClient, broker: Kafka) -> tuple[int, datetime]:
    """A record in P0, the pipeline just behind it, and the instant up to which it is."""
    offset = await broker.event(order_event("i1"), ORDERS)
    now = later()
    await broker.progress({P0: offset + 1, P1: 0}, now)
    await eventually(lambda: report(http), lambda answer: answer.json()["asOf"] == text(now))
    return offset, now


def text(instant: datetime) -> str:
    return instant.isoformat(timespec="microseconds").replace("+00:00", "Z")


async def test_as_of_is_what_the_pipeline_says_and_stands_still_with_it(
    http: httpx.AsyncClient, broker: Kafka
) -> None:
    offset, now = await reached(http, broker)
    assert (await report(http)).json()["asOf"] == text(now)
    slow, fast = now + timedelta(seconds=3), now + timedelta(seconds=4)
    await broker.progress({P0: offset + 1}, fast)
    await broker.progress({P1: 1}, slow)
    await eventually(lambda: report(http), lambda answer: answer.json()["asOf"] == text(slow))


async def test_a_record_that_is_in_the_reports_is_answered_at_once(
    http: httpx.AsyncClient, broker: Kafka
) -> None:
    offset, _ = await reached(http, broker)
    assert (await report(http, f"{ORDERS}:0:{offset}")).status_code == 200


async def test_a_report_waits_for_the_record_and_answers_when_it_is_there(
    http: httpx.AsyncClient, broker: Kafka
) -> None:
    offset, now = await reached(http, broker)
    waiting = asyncio.create_task(report(http, f"{ORDERS}:0:{offset + 1}"))
    done, _ = await asyncio.wait({waiting}, timeout=0.3)
    assert not done
    await broker.progress({P0: offset + 2}, now + timedelta(seconds=1))
    assert (await asyncio.wait_for(waiting, 2)).status_code == 200


async def test_what_is_not_there_within_five_seconds_is_to_be_asked_again(
    http: httpx.AsyncClient, broker: Kafka
) -> None:
    offset, _ = await reached(http, broker)
    answer = await report(http, f"{ORDERS}:0:{offset + 1000}")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert answer.json()["detail"] == "The position in includes was not reached within 5 s."


async def test_the_cursor_of_a_pushed_event_is_a_place(
    http: httpx.AsyncClient, broker: Kafka
) -> None:
    shop = f"i-{secrets.token_hex(4)}"
    async with stream(http, headers=bearer(token(shop))) as events:
        await events.until("stream:ready")
        offset = await broker.event(order_event(shop), ORDERS)
        cursor = str((await events.next()).id)
    reached = {place: at.next for place, at in decode(cursor).items() if place.topic in INPUTS}
    assert reached[P0] == offset + 1
    waiting = asyncio.create_task(report(http, cursor))
    await broker.progress(reached, later())
    assert (await asyncio.wait_for(waiting, 2)).status_code == 200


async def test_a_text_that_is_no_place_is_a_bad_parameter(
    http: httpx.AsyncClient, broker: Kafka
) -> None:
    epoch = await broker.epoch(ORDERS)
    for place, rule in (
        ("x", "must be topic:partition:offset or a cursor"),
        ("other:0:1", "must be topic:partition:offset or a cursor; there is no such topic here"),
        (f"{ORDERS}:7:1", f"names a partition that does not exist: {ORDERS}:7"),
        (
            encode({P0: Position(epoch ^ 1, 1)}),
            f"names a position that no longer exists: {ORDERS}:0 was recreated",
        ),
    ):
        answer = await report(http, place)
        assert (answer.status_code, answer.json()["parameter"]) == (400, "includes")
        assert answer.json()["rule"] == rule


async def test_a_notice_that_another_process_pushed_is_waited_for(
    http: httpx.AsyncClient, broker: Kafka
) -> None:
    _, now = await reached(http, broker)
    today = Today(now.date(), Decimal(0), 0, Decimal(0))
    notice = report_updated("i1", "n-1", now, [now.date()], today)
    offset, epoch = await broker.send(NOTICES, notice), await broker.epoch(NOTICES)

    def pushed(offset: int) -> str:
        return encode({Partition(NOTICES, 0): Position(epoch, offset + 1)})

    assert (await report(http, pushed(offset))).status_code == 200
    waiting = asyncio.create_task(report(http, pushed(offset + 1)))
    done, _ = await asyncio.wait({waiting}, timeout=0.5)
    assert not done
    await broker.send(NOTICES, notice)
    assert (await asyncio.wait_for(waiting, 2)).status_code == 200
