"""`POST /events` beside a Kafka that a test plays: who may write, what is answered, what is remembered."""

import asyncio
import json
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import httpx
import jwt
import pytest

from api.faults import MAX_LISTED, KeyReused, NotYet
from api.freshness.positions import read_positions
from api.freshness.topology import TopicState
from api.freshness.tracker import FreshnessTracker, RequiredPosition
from api.ingest import routes
from api.ingest.content import check_events
from api.ingest.idempotency import DAY_SECONDS, IdempotencyKeys
from api.ingest.sender import Stored
from provider.apps import SECRET, Counting, application, client
from shopstream.contracts.cursor import Partition
from shopstream.contracts.envelope import BATCH
from shopstream.contracts.examples import example
from shopstream.contracts.routing import Record
from shopstream.contracts.topics import INPUTS

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


class Sender:
    """Puts each record behind the last one of its topic."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.fault: Exception | None = None
        self.go = asyncio.Event()
        self.go.set()

    async def send(self, records: Sequence[Record]) -> list[Stored]:
        await self.go.wait()
        if self.fault:
            raise self.fault
        begin = len(self.records)
        self.records += records
        return [Stored(record.topic, 1, begin + n) for n, record in enumerate(records)]


@pytest.fixture
def sender() -> Sender:
    return Sender()


@pytest.fixture
def tracker() -> FreshnessTracker:
    tracker = FreshnessTracker()
    tracker.see({topic: TopicState(7, 2) for topic in INPUTS})
    return tracker


@pytest.fixture
async def http(sender: Sender, tracker: FreshnessTracker) -> Any:
    async with client(application(Counting(), sender=sender, tracker=tracker)) as found:
        yield found


def bearer(*shops: str, role: str = "producer", user: str = "till") -> dict[str, str]:
    claims = {"sub": user, "shops": list(shops), "role": role, "exp": time.time() + 600}
    return {"Authorization": f"Bearer {jwt.encode(claims, SECRET, 'HS256')}"}


def event(shop: str = "s-1", number: int = 1) -> dict[str, Any]:
    found = example("order:created")
    return found | {
        "shopid": shop,
        "id": f"e{number}",
        "data": found["data"] | {"orderId": f"o{number}"},
    }


async def post(
    http: httpx.AsyncClient,
    *events: Any,
    shops: tuple[str, ...] = ("s-1",),
    role: str = "producer",
    **head: str,
) -> httpx.Response:
    return await http.post(
        "/events",
        content=json.dumps(events),
        headers={"Content-Type": BATCH, **bearer(*shops, role=role), **head},
    )


async def test_an_unknown_status_is_refused_soon_where_the_engine_gives_no_answer(
    sender: Sender, tracker: FreshnessTracker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes, "ASK_SECONDS", 0.01)

    class Frozen(Counting):
        async def rows(self, *args: Any, **named: Any) -> list[dict[str, Any]]:
            self.statements += 1
            await asyncio.sleep(60)
            return []

    wrong = event()
    wrong["data"]["status"] = "unheard"
    frozen = Frozen()
    async with (
        client(application(frozen, sender=sender, tracker=tracker)) as found,
        asyncio.timeout(5),
    ):
        answer = await post(found, wrong)
    assert (answer.status_code, frozen.statements, sender.records) == (400, 1, [])
    assert "data.status" in answer.text


async def test_events_are_written_and_their_places_are_answered(http: Any, sender: Sender) -> None:
    answer = await post(http, event(number=1), event(number=2))
    assert answer.status_code == 202
    assert answer.json()["records"] == [
        {"topic": "shop.orders", "partition": 1, "offset": n} for n in (0, 1)
    ]
    assert [record.key for record in sender.records] == [b"s-1/o1", b"s-1/o2"]
    assert read_positions(answer.json()["includes"]) == [
        RequiredPosition(Partition("shop.orders", 1), 7, 2)
    ]
    one = await post(http, event(number=3))
    assert one.json()["includes"] == "shop.orders:1:2"


@pytest.mark.parametrize(
    ("shops", "role", "status"),
    [
        (("s-1",), "producer", 202),
        (("s-2", "s-1"), "admin", 202),
        (("s-2",), "producer", 403),
        (("s-2",), "admin", 403),
        ((), "producer", 403),
        (("s-1",), "staff", 403),
    ],
)
async def test_a_token_writes_for_its_shops_alone(
    shops: tuple[str, ...], role: str, status: int, http: Any, sender: Sender
) -> None:
    answer = await post(http, event(), shops=shops, role=role)
    assert answer.status_code == status
    assert len(sender.records) == (status == 202)


@pytest.mark.parametrize(
    "path", ["/events", "/events/history", "/presence", "/stock", "/ws", "/auth/ticket"]
)
async def test_a_producer_reads_nothing(path: str, http: Any) -> None:
    method = "POST" if path == "/auth/ticket" else "GET"
    answer = await http.request(method, path, headers=bearer("s-1"))
    assert answer.status_code == 403


async def test_one_event_of_another_shop_keeps_back_the_whole_batch(
    http: Any, sender: Sender
) -> None:
    for shop in ("s-2", "S-1", "s-1 ", "s-1\u0000"[:3] + "\u00e4"):
        answer = await post(http, event(), event(shop, 2), event(number=3))
        assert answer.status_code == 403
        assert shop not in answer.json()["detail"]
    # of two members of the same name the last one stands, for the pipeline and here
    twice = json.dumps(event()).replace('"shopid": "s-1"', '"shopid": "s-1", "shopid": "s-2"')
    head = {"Content-Type": "application/json", **bearer("s-1")}
    assert (await http.post("/events", content=twice, headers=head)).status_code == 403
    assert not sender.records


async def test_nothing_is_written_where_an_event_breaks_a_rule(http: Any, sender: Sender) -> None:
    wrong = event(number=2) | {"type": "order:lost"}
    answer = await post(http, event(), wrong, {}, event(number=3))
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["errors"] == [
        {
            "index": 1,
            "reason": "unknown_type",
            "field": "type",
            "rule": "type is not one of the event types",
        },
        {
            "index": 2,
            "reason": "not_cloudevent",
            "field": "specversion",
            "rule": 'specversion must be "1.0"',
        },
        *(
            {
                "index": 2,
                "reason": "not_cloudevent",
                "field": name,
                "rule": f"{name} must be text that is not empty",
            }
            for name in ("id", "source", "type")
        ),
    ]
    assert not sender.records
    metrics = (await http.get("/metrics")).text
    for reason in ("unknown_type", "not_cloudevent"):
        assert f'shopstream_http_events_refused_total{{reason="{reason}"}} 1.0' in metrics


async def test_kafka_that_is_away_is_a_503(sender: Sender, tracker: FreshnessTracker) -> None:
    app = application(Counting(), sender=sender, tracker=tracker, kafka=lambda: "Kafka is away.")
    async with client(app) as http:
        answer = await post(http, event())
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert answer.json()["detail"] == "Kafka is away."
    tracker.see({})
    async with client(application(Counting(), sender=sender, tracker=tracker)) as http:
        answer = await post(http, event())
    assert answer.status_code == 503
    assert "`shopstream migrate`" in answer.json()["detail"]
    assert not sender.records


async def test_beyond_its_room_a_process_and_a_user_are_told_to_wait(
    http: Any, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender.go.clear()
    first = [
        asyncio.create_task(post(http, event(number=n))) for n in range(routes.REQUESTS_OF_USER)
    ]
    await asyncio.sleep(0.05)
    busy = await post(http, event())
    assert (busy.status_code, busy.headers["Retry-After"]) == (503, "1")
    sender.go.set()
    assert {answer.status_code for answer in await asyncio.gather(*first)} == {202}
    assert (await post(http, event())).status_code == 202


async def test_a_user_of_another_shop_with_the_same_name_takes_no_place_and_no_key(
    http: Any, sender: Sender
) -> None:
    head = {"Idempotency-Key": "k-1"}
    assert (await post(http, event("s-2"), shops=("s-2",), **head)).status_code == 202
    assert (await post(http, event(), **head)).status_code == 202
    sender.go.clear()
    held = [
        asyncio.create_task(post(http, event("s-2", n), shops=("s-2",)))
        for n in range(routes.REQUESTS_OF_USER)
    ]
    await asyncio.sleep(0.05)
    assert (await post(http, event("s-2"), shops=("s-2",))).status_code == 503
    mine = asyncio.create_task(post(http, event()))
    await asyncio.sleep(0.05)
    sender.go.set()
    assert {answer.status_code for answer in await asyncio.gather(mine, *held)} == {202}


async def test_the_users_of_a_shop_leave_room_to_other_shops(
    sender: Sender, tracker: FreshnessTracker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes, "MEMORY_BYTES", 8_000)
    monkeypatch.setattr(routes, "SHOP_BYTES", 4_000)
    async with client(application(Counting(), sender=sender, tracker=tracker)) as http:
        sender.go.clear()

        def write(shop: str, user: str) -> Any:
            body = json.dumps([event(shop)]).encode().ljust(3_900)
            head = {"Content-Type": BATCH, **bearer(shop, user=user)}
            return asyncio.create_task(http.post("/events", content=body, headers=head))

        first = write("s-1", "a")
        await asyncio.sleep(0.05)
        assert (await write("s-1", "b")).status_code == 503
        other = write("s-2", "a")
        await asyncio.sleep(0.05)
        sender.go.set()
        assert [(await each).status_code for each in (first, other)] == [202, 202]


async def test_a_key_answers_the_same_and_refuses_other_events(http: Any, sender: Sender) -> None:
    head = {"Idempotency-Key": "k-1"}
    first, again = [await post(http, event(), **head) for _ in range(2)]
    assert (first.status_code, first.content) == (202, again.content)
    assert len(sender.records) == 1
    other = await post(http, event(number=2), **head)
    assert (other.status_code, other.json()["type"]) == (
        422,
        "urn:shopstream:problem:idempotency-key-reused",
    )
    # the shop is checked before the key is looked at
    assert (await post(http, event(), shops=("s-2",), **head)).status_code == 403
    assert (await post(http, event(), **{"Idempotency-Key": "k" * 129})).status_code == 400


async def test_a_fault_is_not_remembered_and_requests_at_once_are_one(
    http: Any, sender: Sender
) -> None:
    head = {"Idempotency-Key": "k-1"}
    sender.go.clear()
    sender.fault = NotYet("no")
    both = [asyncio.create_task(post(http, event(), **head)) for _ in range(2)]
    await asyncio.sleep(0.05)
    sender.go.set()
    assert [answer.status_code for answer in await asyncio.gather(*both)] == [503, 503]
    sender.fault = None
    both = [asyncio.create_task(post(http, event(), **head)) for _ in range(2)]
    assert len({answer.content for answer in await asyncio.gather(*both)}) == 1
    assert len(sender.records) == 1


async def test_keys_are_forgotten_after_a_day_and_beyond_their_memory() -> None:
    now, written = [0.0], []
    keys = IdempotencyKeys(memory=2_500, clock=lambda: now[0])

    async def ask(key: str, digest: bytes = b"d") -> bytes:
        async def write() -> bytes:
            written.append(key)
            return b"x" * 600

        return await keys.once(b"u", key, digest, write)

    for key in ("a", "b", "a"):
        await ask(key)
    assert written == ["a", "b"]
    with pytest.raises(KeyReused):
        await ask("a", b"e")
    await ask("c")
    await ask("d")
    await ask("a")
    assert written == ["a", "b", "c", "d", "a"]
    now[0] = DAY_SECONDS
    await ask("a")
    assert written[-2:] == ["a", "a"]


@pytest.mark.parametrize(
    ("content_type", "status"),
    [("text/plain", 415), (BATCH, 202), (BATCH + "; charset=utf-8", 202)],
)
async def test_the_content_type_decides(content_type: str, status: int, http: Any) -> None:
    answer = await post(http, event(), **{"Content-Type": content_type})
    assert answer.status_code == status


async def test_a_body_and_parameters_have_bounds(http: Any) -> None:
    head = {"Content-Type": BATCH, **bearer("s-1")}
    large = await http.post("/events", content=b"[" + b" " * 4_194_304, headers=head)
    assert large.status_code == 413
    odd = await http.post("/events?shopId=s-1", content=b"[]", headers=head)
    assert (odd.status_code, odd.json()["parameter"]) == (400, "shopId")


async def test_few_bytes_of_many_events_are_checked_beside_the_event_loop(
    http: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads = []

    def check(*given: Any) -> Any:
        threads.append(threading.current_thread())
        return check_events(*given)

    monkeypatch.setattr(routes, "check_events", check)
    body = json.dumps([{}] * 5_000, separators=(",", ":"))
    head = {"Content-Type": BATCH, **bearer("s-1")}
    answer = await http.post("/events", content=body, headers=head)
    assert answer.status_code == 400
    assert len(body) < routes.BIG_BYTES
    assert len(answer.json()["errors"]) == MAX_LISTED
    assert answer.json()["detail"].endswith("(and 19,999 more)")
    assert (await post(http, event())).status_code == 202
    assert [thread is threading.main_thread() for thread in threads] == [False, True]
