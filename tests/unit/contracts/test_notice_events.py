"""What the pipeline says of itself, and that the API reads the same."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from shopstream.contracts.cursor import Partition
from shopstream.contracts.notices import (
    PipelineState,
    Progress,
    Today,
    pipeline_progress,
    plain,
    read_progress,
    report_updated,
)

AT = datetime(2026, 11, 22, 10, 15, 30, 123_456, UTC)


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("0", "0"),
        ("0.0000", "0"),
        ("-0.0000", "0"),
        ("0E-10", "0"),
        ("0E+10", "0"),
        ("1.5000", "1.5"),
        ("100", "100"),
        ("100.0000", "100"),
        ("1E+3", "1000"),
        ("1.2E+3", "1200"),
        ("-12.3400", "-12.34"),
        ("0.0001", "0.0001"),
        ("1E-4", "0.0001"),
        ("9999999999999999999999999999999999.9999", "9999999999999999999999999999999999.9999"),
    ],
)
def test_money_is_written_with_exactly_its_digits(amount, text):
    assert plain(Decimal(amount)) == text


def test_a_report_notice_is_this_text():
    today = Today(date(2026, 11, 22), Decimal("1234567890123.4500"), 3, 7)
    dates = {date(2026, 11, 22), date(2026, 2, 1)}
    assert report_updated("s-17", "n-1", AT, dates, today).decode() == (
        '{"specversion":"1.0","id":"n-1","source":"/shopstream/pipeline","type":"report:updated",'
        '"time":"2026-11-22T10:15:30.123456Z","shopid":"s-17","data":{'
        '"dates":["2026-02-01","2026-11-22"],"today":{"date":"2026-11-22",'
        '"totalRevenue":1234567890123.45,"totalOrders":3,"totalItems":7}}}'
    )


@pytest.mark.parametrize("shop", ['"\\u0000"', '\\"', "é😀", "\\u0000"])
def test_no_name_of_a_shop_disturbs_the_revenue(shop):
    today = Today(date(2026, 11, 22), Decimal("-0.5"), 0, 0)
    notice = json.loads(report_updated(shop, "n-1", AT, [], today))
    assert notice["shopid"] == shop
    assert notice["data"]["today"]["totalRevenue"] == -0.5


def test_progress_is_this_text():
    state = PipelineState(
        "00ff",
        {Partition("shop.orders", 2): Progress(7, 41, AT)},
        {"records": 3.0},
        {"s-1": {"sales": {20_418, 20_417}, "names": None}, "s-2": None},
    )
    assert pipeline_progress(state, "n-2", AT).decode() == (
        '{"specversion":"1.0","id":"n-2","source":"/shopstream/pipeline",'
        '"type":"pipeline:progress","time":"2026-11-22T10:15:30.123456Z","data":{"worker":"00ff",'
        '"partitions":[["shop.orders",2,7,41,"2026-11-22T10:15:30.123456Z"]],'
        '"counters":{"records":3.0},'
        '"kinds":{"s-1":{"sales":[20417,20418],"names":null},"s-2":null}}}'
    )


def test_progress_is_read_as_it_was_said():
    state = PipelineState(
        "w",
        {
            Partition("shop.orders", 0): Progress(2**32 - 1, 2**63 - 1, AT),
            Partition("shop.orders", 1): Progress(0, 0, AT.replace(microsecond=0)),
        },
        {"records": 12.0, "refused.bad_value": 1.0},
        {"s": {"sales": frozenset({1}), "payments": frozenset()}, 't"': None, "u": {}},
    )
    assert read_progress(json.loads(pipeline_progress(state, "n", AT))["data"]) == state


def test_a_worker_without_partitions_says_so():
    state = PipelineState("w", {})
    assert read_progress(json.loads(pipeline_progress(state, "n", AT))["data"]) == state


def test_progress_without_kinds_may_have_changed_anything():
    data = json.loads(pipeline_progress(PipelineState("w", {}, {}, {}), "n", AT))["data"]
    del data["kinds"]
    assert read_progress(data).changed is None


def test_a_kind_that_a_newer_pipeline_names_may_be_anything_of_the_shop():
    data = json.loads(pipeline_progress(PipelineState("w", {}, {}, {}), "n", AT))["data"]
    data["kinds"] = {"s": {"sales": [1], "returns": [2]}, "t": {"sales": [1]}}
    assert read_progress(data).changed == {"s": None, "t": {"sales": {1}}}
