"""What a report answers has exactly the fields of its documented shape."""

from typing import Any

import orjson
import pytest
from pydantic import BaseModel
from report_rows import NOON, made

from api.reports.endpoints import REPORTS, STOCK, Endpoint
from api.reports.stock import StockDetails, StockPage, stock_body

ROWS = [("2026-11-22T08:00Z", "EUR", 2, "30.5", 3), ("2026-11-22T09:00Z", "USD", 1, "12", 1)]
TOP = [{"product_id": "p-1", "quantity": 3, "revenue": "30.5"}]
LEVEL = {"product_id": "p-1", "location_id": "", "sku": None, "quantity": 1, "threshold": 2}


def fields(model: type[BaseModel], body: dict[str, Any]) -> None:
    """Every field, and no other, of the body and of the bodies in it."""
    assert set(body) == set(model.model_fields), model
    parsed = model.model_validate(body)
    for name in model.model_fields:
        inner, value = getattr(parsed, name), body[name]
        inners, values = (inner, value) if isinstance(inner, list) else ([inner], [value])
        for one, given in zip(inners, values, strict=True):
            if isinstance(one, BaseModel):
                fields(type(one), given)


@pytest.mark.parametrize("endpoint", REPORTS, ids=lambda one: one.path)
def test_a_report_has_the_fields_that_are_documented(endpoint: Endpoint) -> None:
    question = endpoint.question(*(parameter.default for parameter in endpoint.own))
    body = made(question, ROWS, top=TOP, names={"p-1": "Blue cup"})
    assert body["otherCurrencies"]
    fields(endpoint.body, {**body, "asOf": NOON.isoformat()})


def test_a_page_of_levels_has_the_fields_that_are_documented() -> None:
    page = stock_body("s1", StockPage(), [{**LEVEL, "low": 1}], StockDetails({}, {}, {}))
    body = orjson.loads(orjson.dumps(page))
    fields(STOCK.body, {**body, "asOf": None})
