"""Whole bodies of the reports, worked out by hand."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from oracle.book import Book
from oracle.report import Reports
from support.events import item, order, payment, record, settings

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
D = Decimal


def reports(*events: dict[str, Any]) -> Reports:
    book = Book()
    book.take_all(record(event) for event in events)
    return Reports(book)


def sold(order_id: str, created: str, price: str, quantity: int = 1, **more: Any) -> dict[str, Any]:
    items = [item("p", quantity, price, name="Cup")]
    return order("s", order_id, created=created, items=items, **more)


def sums(revenue: str = "0", orders: int = 0, items: int = 0) -> dict[str, Any]:
    return {"totalRevenue": D(revenue), "totalOrders": orders, "totalItems": items}


COMMON = {"shopId": "s", "currency": "EUR", "timezone": "UTC", "otherCurrencies": []}


def test_an_empty_shop_has_reports_too() -> None:
    found = reports().daily_sales("s", None, NOW)
    assert found | {"hourlyBreakdown": len(found["hourlyBreakdown"])} == {
        **COMMON,
        "currency": None,
        "partial": True,
        "date": "2026-11-25",
        **sums(),
        "averageOrderValue": None,
        "grossRevenue": D("0"),
        "refunds": {"count": 0, "amount": D(0)},
        "hourlyBreakdown": 24,
        "topProducts": [],
    }


def test_an_order_belongs_to_the_local_date_of_its_shop() -> None:
    events = [settings("s", "Asia/Kathmandu"), sold("o", "2026-11-21T18:15:00Z", "2.50", 2)]
    found = reports(*events).daily_sales("s", date(2026, 11, 22), NOW)
    assert found["hourlyBreakdown"][0] == {
        "start": "2026-11-22T00:00:00+05:45",
        **sums("5.00", 1, 2),
    }
    assert found["partial"] is False
    assert found["averageOrderValue"] == D("5.00")
    assert reports(events[1]).daily_sales("s", date(2026, 11, 21), NOW)["totalOrders"] == 1


def test_the_hours_of_a_long_day_are_told_apart_by_their_offsets() -> None:
    found = reports(
        settings("s", "Europe/Berlin"),
        sold("a", "2026-10-25T00:30:00Z", "1"),
        sold("b", "2026-10-25T01:30:00Z", "2"),
        sold("c", "2026-10-25T22:59:59.999999Z", "4"),
    ).daily_sales("s", date(2026, 10, 25), NOW)
    hours = found["hourlyBreakdown"]
    assert [hours[n] for n in (2, 3, 24)] == [
        {"start": "2026-10-25T02:00:00+02:00", **sums("1", 1, 1)},
        {"start": "2026-10-25T02:00:00+01:00", **sums("2", 1, 1)},
        {"start": "2026-10-25T23:00:00+01:00", **sums("4", 1, 1)},
    ]


def test_the_last_hour_is_a_half_where_the_zone_shifts_by_half_an_hour() -> None:
    found = reports(
        settings("s", "Australia/Lord_Howe"), sold("o", "2026-10-04T12:45:00Z", "3")
    ).daily_sales("s", date(2026, 10, 4), NOW)
    assert len(found["hourlyBreakdown"]) == 24
    last = {"start": "2026-10-04T23:30:00+11:00", **sums("3", 1, 1)}
    assert found["hourlyBreakdown"][-1] == last


def test_a_week_as_a_whole() -> None:
    found = reports(
        sold("a", "2025-12-29T00:00:00Z", "10"),
        sold("b", "2026-01-04T23:59:59Z", "5", 3, currency="EUR"),
        sold("c", "2026-01-04T12:00:00Z", "7", 2, currency="USD"),
        sold("d", "2026-01-05T00:00:00Z", "100"),
        sold("e", "2026-01-01T00:00:00Z", "50", status="cancelled"),
    ).weekly_sales("s", date(2025, 12, 29), NOW)
    assert found == {
        **COMMON,
        "otherCurrencies": [{"currency": "USD", **sums("14", 1, 2)}],
        "partial": False,
        "week": 1,
        "weekYear": 2026,
        "startDate": "2025-12-29",
        "endDate": "2026-01-04",
        **sums("25", 2, 4),
        "averageOrderValue": D("12.50"),
        "grossRevenue": D("25"),
        "refunds": {"count": 0, "amount": D(0)},
        "dailyBreakdown": [
            {"date": "2025-12-29", **sums("10", 1, 1)},
            *({"date": f"{day}", **sums()} for day in ("2025-12-30", "2025-12-31")),
            *({"date": f"2026-01-0{day}", **sums()} for day in (1, 2, 3)),
            {"date": "2026-01-04", **sums("15", 1, 3)},
        ],
        "topProducts": [{"productId": "p", "name": "Cup", "quantity": 4, "revenue": D("25")}],
    }


def test_a_week_begins_on_monday_unless_it_is_told_otherwise() -> None:
    found = reports().weekly_sales("s", None, NOW)
    assert (found["startDate"], found["endDate"]) == ("2026-11-23", "2026-11-29")
    assert (found["week"], found["weekYear"], found["partial"]) == (48, 2026, True)
    found = reports().weekly_sales("s", date(2026, 11, 18), NOW)
    assert (found["startDate"], found["endDate"], found["week"]) == ("2026-11-18", "2026-11-24", 47)
    assert found["partial"] is False


def test_a_month_as_a_whole() -> None:
    found = reports(
        sold("a", "2026-01-31T23:00:00Z", "10"),
        sold("b", "2026-02-01T01:00:00Z", "1"),
        sold("c", "2026-02-28T01:00:00Z", "0.005"),
    ).monthly_sales("s", 2026, 2, NOW)
    assert found == {
        **COMMON,
        "partial": False,
        "year": 2026,
        "month": 2,
        **sums("1.005", 2, 2),
        "averageOrderValue": D("0.50"),  # 0.5025
        "grossRevenue": D("1.005"),
        "refunds": {"count": 0, "amount": D(0)},
        "weeklyBreakdown": [
            {"week": 5, "startDate": "2026-02-01", "endDate": "2026-02-01", **sums("1", 1, 1)},
            {"week": 6, "startDate": "2026-02-02", "endDate": "2026-02-08", **sums()},
            {"week": 7, "startDate": "2026-02-09", "endDate": "2026-02-15", **sums()},
            {"week": 8, "startDate": "2026-02-16", "endDate": "2026-02-22", **sums()},
            {"week": 9, "startDate": "2026-02-23", "endDate": "2026-02-28", **sums("0.005", 1, 1)},
        ],
        "topProducts": [{"productId": "p", "name": "Cup", "quantity": 2, "revenue": D("1.005")}],
    }


def test_this_month_is_the_one_of_the_shop() -> None:
    late = datetime(2026, 11, 30, 23, 30, tzinfo=UTC)
    found = reports(settings("s", "Europe/Berlin")).monthly_sales("s", None, None, late)
    assert (found["year"], found["month"], found["partial"]) == (2026, 12, True)
    found = reports().monthly_sales("s", None, 2, late)
    assert (found["year"], found["month"]) == (2026, 2)


def test_metrics_as_a_whole() -> None:
    found = reports(
        sold("a", "2026-11-24T01:00:00Z", "10", 2),
        sold("b", "2026-11-25T01:00:00Z", "5"),
        sold("before", "2026-11-23T23:00:00Z", "4"),
        sold("long before", "2026-11-21T23:00:00Z", "8"),
        payment("s", "1", amount="3", at="2026-11-24T00:00:00Z"),
        payment("s", "2", amount="4", at="2026-11-25T23:00:00Z"),
        payment("s", "3", amount="5", at="2026-11-25T12:00:00Z", failed=True),
        payment("s", "4", amount="6", at="2026-11-25T12:00:00Z", currency="USD"),
        payment("s", "5", amount="7", at="2026-11-23T12:00:00Z"),
    ).metrics("s", NOW, 2)
    assert found == {
        **COMMON,
        "partial": True,
        "startDate": "2026-11-24",
        "endDate": "2026-11-25",
        **sums("25", 2, 3),
        "averageOrderValue": D("12.50"),
        "grossRevenue": D("25"),
        "refunds": {"count": 0, "amount": D(0)},
        **dict.fromkeys(("totalTax", "totalShipping", "totalDiscount", "totalTip"), D(0)),
        "averageItemsPerOrder": D("1.50"),
        "sessions": 0,
        "conversionRate": None,
        "topProducts": [{"productId": "p", "name": "Cup", "quantity": 3, "revenue": D("25")}],
        "payments": {
            "received": {"count": 2, "amount": D("7")},
            "failed": {"count": 1, "amount": D("5")},
            "failureRate": D("0.3333"),
        },
        "previousPeriod": {
            **sums("4", 1, 1),
            "averageOrderValue": D("4.00"),
            "grossRevenue": D("4"),
            "refunds": {"count": 0, "amount": D(0)},
        },
    }


def test_trends_as_a_whole() -> None:
    found = reports(
        sold("a", "2026-11-24T01:00:00Z", "10", 2),
        sold("b", "2026-11-25T01:00:00Z", "5"),
        sold("before", "2026-11-23T23:00:00Z", "8"),
        sold("week", "2026-11-18T23:00:00Z", "100"),
    ).trends("s", NOW, (date(2026, 11, 24), date(2026, 11, 25)))
    assert found == {
        **COMMON,
        "partial": True,
        "startDate": "2026-11-24",
        "endDate": "2026-11-25",
        "grossRevenue": D("25"),
        "refunds": {"count": 0, "amount": D(0)},
        "series": [
            {"date": "2026-11-24", **sums("20", 1, 2)},
            {"date": "2026-11-25", **sums("5", 1, 1)},
        ],
        "movingAverage7": [D("18.29"), D("4.71")],
        "change": {
            "totalRevenue": D("2.1250"),
            "totalOrders": D("1.0000"),
            "totalItems": D("2.0000"),
        },
    }


def test_no_change_is_told_against_nothing_or_a_loss() -> None:
    found = reports(
        sold("a", "2026-11-25T01:00:00Z", "10"),
        sold("b", "2026-11-24T01:00:00Z", "1", total="1", refundedTotal="3"),
    ).trends("s", NOW, 1)
    assert found["change"]["totalRevenue"] is None
    assert found["change"]["totalOrders"] == D("0.0000")


def test_a_shop_says_which_currency_its_reports_are_in() -> None:
    events = [sold("a", "2026-11-24T01:00:00Z", "10"), settings("s", currency="USD")]
    found = reports(*events).daily_sales("s", date(2026, 11, 24), NOW)
    assert (found["currency"], found["totalOrders"]) == ("USD", 0)
    assert found["otherCurrencies"] == [{"currency": "EUR", **sums("10", 1, 1)}]


def test_at_most_ten_products_are_told_the_best_first() -> None:
    items = [item(f"p-{n:02}", 1, "2" if n == 5 else "1") for n in range(12)]
    items += [item("zero", 1, "0"), item("back", 2, "9", refundedQuantity=2)]
    found = reports(order("s", "o", items=items)).daily_sales("s", date(2026, 11, 22), NOW)
    assert [row["productId"] for row in found["topProducts"]] == [
        *("p-05", "p-00", "p-01", "p-02", "p-03", "p-04", "p-06", "p-07", "p-08", "p-09")
    ]
    assert found["topProducts"][0]["name"] is None
