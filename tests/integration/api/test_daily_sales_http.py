import time
from typing import Any

import httpx
import jwt
import pytest
from api_harness import SECRET, Child, Line, Order, bearer, eventually, store, stream, token

from clickhouse.client import ClickHouseClient

DAY = "/reports/daily-sales?date=2026-11-22"
REPORTS = ("daily-sales", "weekly-sales", "monthly-sales", "metrics", "trends")
ROUTES = (
    *(("GET", f"/reports/{name}") for name in REPORTS),
    ("GET", "/stock"),
    ("GET", "/events"),
    ("POST", "/auth/ticket"),
)


@pytest.fixture(scope="module")
async def shop(engine: ClickHouseClient) -> str:
    """Orders of two currencies, one cancelled, one partly refunded, on one day and beside it."""
    tea, cup = Line("p-tea", 2, "10.25", "Tea"), Line("p-cup", 1, "3.0001", "Cup")
    await store(
        engine,
        [
            Order("d1", "o1", "2026-11-22T00:00:00+00:00", (tea, cup)),
            Order(
                "d1", "o2", "2026-11-22T10:15:30.5+00:00", (Line("p-tea", 5, "10.25", refunded=2),)
            ),
            Order("d1", "o3", "2026-11-22T10:59:59+00:00", (tea,), status="cancelled"),
            Order("d1", "o4", "2026-11-22T23:59:59.999999+00:00", (cup,), currency="USD"),
            Order("d1", "o5", "2026-11-23T00:00:00+00:00", (tea,)),
            Order("d2", "o1", "2026-11-22T10:00:00+00:00", (Line("p-tea", 1000, "1", "Other"),)),
        ],
    )
    return "d1"


async def daily(http: httpx.AsyncClient, shop: str, path: str = DAY) -> dict[str, Any]:
    answer = await http.get(path, headers=bearer(token(shop)))
    assert answer.status_code == 200, answer.text
    return answer.json()


async def soon(http: httpx.AsyncClient, shop: str, **expected: Any) -> dict[str, Any]:
    """The report once it says this: what is written past the pipeline may take a second."""

    def says(body: dict[str, Any]) -> bool:
        return {name: body[name] for name in expected} == expected

    return await eventually(lambda: daily(http, shop), says, 3)


def problem(answer: httpx.Response) -> dict[str, Any]:
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.json()


def words(answer: httpx.Response) -> dict[str, Any]:
    """The problem but for the id of its request."""
    return problem(answer) | {"requestId": None}


async def test_a_day_has_its_totals_hours_products_and_other_currencies(
    http: httpx.AsyncClient, shop: str
) -> None:
    body = await daily(http, shop)
    hours = body.pop("hourlyBreakdown")
    assert body == {
        "shopId": "d1",
        "date": "2026-11-22",
        "currency": "EUR",
        "timezone": "UTC",
        "partial": body["partial"],
        "totalRevenue": 54.2501,
        "totalOrders": 2,
        "totalItems": 6,
        "averageOrderValue": 27.13,
        "topProducts": [
            {"productId": "p-tea", "name": "Tea", "quantity": 5, "revenue": 51.25},
            {"productId": "p-cup", "name": "Cup", "quantity": 1, "revenue": 3.0001},
        ],
        "otherCurrencies": [
            {"currency": "USD", "totalRevenue": 3.0001, "totalOrders": 1, "totalItems": 1}
        ],
        "grossRevenue": 74.7501,
        "refunds": {"count": 1, "amount": 20.5},
        "revisedAt": body["revised"]["orders"],
        "revised": {
            "orders": body["revisedAt"],
            "refunds": body["revised"]["refunds"],
            "payments": None,
        },
        "asOf": body["asOf"],
    }
    assert len(hours) == 24
    assert [hour for hour in hours if hour["totalOrders"]] == [
        {
            "start": "2026-11-22T00:00:00+00:00",
            "totalRevenue": 23.5001,
            "totalOrders": 1,
            "totalItems": 3,
        },
        {
            "start": "2026-11-22T10:00:00+00:00",
            "totalRevenue": 30.75,
            "totalOrders": 1,
            "totalItems": 3,
        },
    ]


async def test_a_shop_without_orders_has_no_currency(http: httpx.AsyncClient) -> None:
    body = await daily(http, "d-empty")
    assert (body["currency"], body["totalRevenue"], body["averageOrderValue"]) == (None, 0, None)
    assert (len(body["hourlyBreakdown"]), body["topProducts"], body["otherCurrencies"]) == (
        24,
        [],
        [],
    )


async def test_the_first_order_of_a_shop_decides_its_currency(
    http: httpx.AsyncClient, engine: ClickHouseClient
) -> None:
    assert (await daily(http, "d-new"))["currency"] is None
    line = Line("p1", 1, "7", "One")
    await store(
        engine, [Order("d-new", "o1", "2026-11-22T10:00:00+00:00", (line,), currency="JPY")]
    )
    body = await soon(http, "d-new", currency="JPY", totalRevenue=7, otherCurrencies=[])
    assert body["topProducts"][0]["name"] == "One"


async def test_an_earlier_order_changes_the_currency_of_the_report(
    http: httpx.AsyncClient, engine: ClickHouseClient
) -> None:
    line = Line("p1", 1, "7", "One")
    await store(engine, [Order("d-turn", "o2", "2026-11-22T10:00:00+00:00", (line,))])
    assert (await daily(http, "d-turn"))["currency"] == "EUR"
    await store(
        engine, [Order("d-turn", "o1", "2026-11-22T09:00:00+00:00", (line, line), currency="USD")]
    )
    body = await soon(http, "d-turn", currency="USD", totalRevenue=14)
    assert [one["currency"] for one in body["otherCurrencies"]] == ["EUR"]
    assert body["topProducts"] == [{"productId": "p1", "name": "One", "quantity": 2, "revenue": 14}]


async def test_a_name_that_was_taken_back_is_looked_up_in_the_orders(
    http: httpx.AsyncClient, engine: ClickHouseClient
) -> None:
    def named(*names: str | None) -> tuple[Line, ...]:
        return tuple(Line("p1", 1, "1", name) for name in names)

    at = "2026-11-22T10:00:00+00:00"
    await store(
        engine,
        [
            Order("d-name", "o1", at, named("First", "Second", None), updated=10),
            Order("d-name", "o2", at, named("Third"), updated=20),
        ],
    )
    assert (await daily(http, "d-name"))["topProducts"][0]["name"] == "Third"
    await store(engine, [Order("d-name", "o2", at, named(None), updated=30)])
    product = {"productId": "p1", "name": "Second", "quantity": 4, "revenue": 4}
    await soon(http, "d-name", topProducts=[product])


async def test_at_most_ten_products_by_revenue_then_by_id(
    http: httpx.AsyncClient, engine: ClickHouseClient
) -> None:
    lines = [Line(f"p{n:02}", 1, str(20 - n // 2)) for n in range(14)]
    lines += [Line("none", 3, "5", refunded=3), Line("free", 1, "0")]
    await store(engine, [Order("d-top", "o1", "2026-11-22T10:00:00+00:00", tuple(lines))])
    found = [one["productId"] for one in (await daily(http, "d-top"))["topProducts"]]
    assert found == [f"p{n:02}" for n in range(10)]
    await store(engine, [Order("d-few", "o1", "2026-11-22T10:00:00+00:00", tuple(lines[-2:]))])
    assert [one["productId"] for one in (await daily(http, "d-few"))["topProducts"]] == ["free"]


async def test_money_has_exactly_its_digits(
    http: httpx.AsyncClient, engine: ClickHouseClient
) -> None:
    line = Line("p1", 1, "99999999999.9999")
    await store(engine, [Order("d-exact", "o1", "2026-11-22T10:00:00+00:00", (line,) * 3)])
    answer = await http.get(DAY, headers=bearer(token("d-exact")))
    assert '"totalRevenue":299999999999.9997,' in answer.text
    assert '"averageOrderValue":300000000000,' in answer.text


async def test_a_client_that_has_the_report_gets_304_until_it_changes(
    http: httpx.AsyncClient, engine: ClickHouseClient
) -> None:
    headers = bearer(token("d-tag"))
    first = await http.get(DAY, headers=headers)
    tag = {"If-None-Match": first.headers["etag"]}
    again = await http.get(DAY, headers=headers | tag)
    assert (again.status_code, again.content) == (304, b"")
    kept = ("etag", "cache-control", "vary")
    assert [again.headers[name] for name in kept] == [first.headers[name] for name in kept]
    assert first.headers["vary"] == "Accept-Encoding, Authorization, Origin"
    await store(engine, [Order("d-tag", "o1", "2026-11-22T10:00:00+00:00", (Line("p", 1, "1"),))])
    await soon(http, "d-tag", totalOrders=1)
    changed = await http.get(DAY, headers=headers | tag)
    assert (changed.status_code, changed.json()["totalOrders"]) == (200, 1)
    assert changed.headers["cache-control"] == "private, no-cache"


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd"])
async def test_compression_is_for_those_who_ask(
    http: httpx.AsyncClient, shop: str, coding: str
) -> None:
    packed = await http.get(DAY, headers=bearer(token(shop)) | {"Accept-Encoding": coding})
    plain = await http.get(DAY, headers=bearer(token(shop)) | {"Accept-Encoding": "identity"})
    assert packed.headers["content-encoding"] == coding
    assert "content-encoding" not in plain.headers
    assert int(packed.headers["content-length"]) < len(plain.content) / 2
    if coding == "gzip":  # the others are not known to every client of these tests
        assert packed.json() | {"asOf": 0} == plain.json() | {"asOf": 0}


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("date=yesterday", "date"),
        ("date=2026-02-30", "date"),
        ("date=2026-11-22&date=2026-11-22", "date"),
        ("day=2026-11-22", "day"),
        ("includes=nowhere", "includes"),
    ],
)
async def test_a_bad_parameter_is_named(http: httpx.AsyncClient, query: str, name: str) -> None:
    answer = await http.get(f"/reports/daily-sales?{query}", headers=bearer(token("d1")))
    assert (answer.status_code, problem(answer)["parameter"]) == (400, name)


async def test_without_a_date_it_is_today(http: httpx.AsyncClient) -> None:
    body = await daily(http, "d-empty", "/reports/daily-sales")
    assert body["date"] == time.strftime("%Y-%m-%d", time.gmtime())
    assert body["partial"] is True


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_nothing_is_told_without_a_valid_token(
    http: httpx.AsyncClient, method: str, path: str
) -> None:
    claims = {"sub": "u1", "shops": ["d1"], "role": "admin"}
    unsigned = jwt.encode(claims | {"exp": time.time() + 60}, None, algorithm="none")
    for text in (
        token("d1", ttl=-31),
        jwt.encode(claims | {"exp": time.time() + 60}, "x" * 32, algorithm="HS256"),
        jwt.encode(claims, SECRET, algorithm="HS256"),
        unsigned,
        token("d1", role="owner"),
        "nonsense",
    ):
        answer = await http.request(method, path, headers=bearer(text))
        assert (answer.status_code, problem(answer)["status"]) == (401, 401)
        assert answer.headers["www-authenticate"].endswith('error="invalid_token"')
    bare = await http.request(method, path)
    assert (bare.status_code, bare.headers["www-authenticate"]) == (
        401,
        'Bearer realm="shopstream"',
    )


async def test_another_shop_is_refused_on_every_door_with_the_same_words(
    http: httpx.AsyncClient, shop: str
) -> None:
    for path in (*(f"/reports/{name}" for name in REPORTS), "/stock", "/events"):
        real = await http.get(path, params={"shopId": shop}, headers=bearer(token("d2")))
        fancy = await http.get(path, params={"shopId": "no-such"}, headers=bearer(token("d2")))
        assert (real.status_code, fancy.status_code) == (403, 403)
        assert words(real) == words(fancy)
    own = await http.get(f"{DAY}&shopId=d2", headers=bearer(token("d2")))
    assert own.json()["totalRevenue"] == 1000


async def test_another_shops_tag_opens_nothing(http: httpx.AsyncClient, shop: str) -> None:
    theirs = await http.get(DAY, headers=bearer(token(shop)))
    tag = {"If-None-Match": theirs.headers["etag"]}
    assert (await http.get(DAY, headers=bearer(token("d2")) | tag)).status_code == 200


async def test_reports_are_for_admins(http: httpx.AsyncClient, shop: str) -> None:
    for path in (DAY, *(f"/reports/{name}" for name in REPORTS), "/stock"):
        answer = await http.get(path, headers=bearer(token(shop, role="staff")))
        assert (answer.status_code, problem(answer)["detail"]) == (
            403,
            "This needs the role admin.",
        )


async def test_a_token_of_several_shops_says_which(http: httpx.AsyncClient, shop: str) -> None:
    headers = bearer(token(shop, "d2"))
    for path in (*(f"/reports/{name}" for name in REPORTS), "/stock", "/events"):
        answer = await http.get(path, headers=headers)
        assert (answer.status_code, problem(answer)["parameter"]) == (400, "shopId")
    answer = await http.get(f"{DAY}&shopId=d2", headers=headers)
    assert answer.json()["shopId"] == "d2"


async def test_only_configured_origins_may_read(http: httpx.AsyncClient) -> None:
    for origin, allowed in (("http://dashboard.test", True), ("http://evil.test", False)):
        answer = await http.get("/health", headers={"Origin": origin})
        assert (answer.headers.get("access-control-allow-origin") == origin) is allowed
    wish = {
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "authorization",
    }
    before = await http.options(DAY, headers={"Origin": "http://dashboard.test", **wish})
    assert before.status_code == 200


async def test_there_is_a_document_of_every_route(http: httpx.AsyncClient) -> None:
    document = (await http.get("/openapi.json")).json()
    assert {path for _, path in ROUTES} <= document["paths"].keys()
    for path, names in {
        "/reports/daily-sales": ["date"],
        "/reports/weekly-sales": ["startDate"],
        "/reports/monthly-sales": ["year", "month"],
        "/reports/metrics": ["days", "startDate", "endDate"],
        "/reports/trends": ["days", "startDate", "endDate"],
        "/stock": ["low", "limit", "cursor"],
    }.items():
        operation = document["paths"][path]["get"]
        listed = [one["name"] for one in operation["parameters"]]
        assert listed == ["shopId", *names, "includes"]
        assert {"200", "304", "400", "401", "403", "503"} <= operation["responses"].keys()
        reference = operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"]
        model = document["components"]["schemas"][reference.rpartition("/")[2]]
        assert model["example"].keys() == set(model["required"])
    assert (await http.get("/docs")).status_code == 200


async def test_the_page_is_there_and_the_server_says_little(http: httpx.AsyncClient) -> None:
    page = await http.get("/")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "server" not in page.headers
    assert problem(await http.get("/nothing"))["status"] == 404
    assert problem(await http.post("/health"))["status"] == 405


async def test_health_metrics_and_logs_tell_what_happened_and_no_secret(
    http: httpx.AsyncClient, api: Child, shop: str
) -> None:
    text = token(shop, user="u-secret")
    await http.get(DAY, headers=bearer(text))
    ticket = (await http.post("/auth/ticket", headers=bearer(text))).json()["ticket"]
    async with stream(http, f"/events?ticket={ticket}") as events:
        await events.until("stream:ready")
        metrics = (await http.get("/metrics")).text
    assert (await http.get("/health")).json() == {"status": "ok"}
    assert 'shopstream_http_requests_total{method="GET",route="/reports/daily-sales"' in metrics
    assert "shopstream_push_subscribers 1.0" in metrics
    log = api.text()
    assert '"method":"GET","path":"/reports/daily-sales","status":200' in log
    assert text not in log
    assert ticket not in log
    assert "date=" not in log
