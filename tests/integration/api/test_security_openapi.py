"""What the OpenAPI document promises, beside a running process: statuses, heads, bodies, refusals.

With SHOPSTREAM_FULL=1. A stream never ends, so `GET /events` is asked elsewhere; so are tokens, shops and `includes`.
"""

import copy
import os
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import schemathesis
from api_harness import Addresses, Line, Order, bearer, store, token
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi import checks

from clickhouse.client import ClickHouseClient
from provider.apps import Counting, application

SHOP = "sec-openapi"
EXAMPLES = 60
CHECKS = [
    schemathesis.checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not os.environ.get("SHOPSTREAM_FULL"), reason="SHOPSTREAM_FULL=1 runs it"),
]


@pytest.fixture(scope="module")
async def sold(engine: ClickHouseClient) -> None:
    """Some days of a shop, so that bodies are not empty."""
    now = datetime.now(UTC).replace(microsecond=0)
    lines = (Line("p1", 2, "12.5", "One"), Line("p2", 1, "3.0001"))
    days = [(now - timedelta(days=n)).isoformat() for n in range(5)]
    await store(engine, [Order(SHOP, f"o{n}", day, lines) for n, day in enumerate(days)])


def document() -> dict[str, Any]:
    """Without the token, which is always sent, and the parameters that these tests leave out."""
    found = copy.deepcopy(application(Counting()).openapi())
    for operations in found["paths"].values():
        for operation in operations.values():
            operation.pop("security", None)
            named = operation.get("parameters", [])
            operation["parameters"] = [one for one in named if one["name"] not in LEFT_OUT]
    return found


LEFT_OUT = {"shopId", "includes"}
DOCUMENT = document()
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
OPERATIONS = [
    (path, method)
    for path, operations in DOCUMENT["paths"].items()
    for method in operations
    if (method, path) != ("get", "/events")
]


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_every_answer_is_as_documented(
    path: str, method: str, sold: None, http: httpx.AsyncClient, addresses: Addresses
) -> None:
    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(case=SCHEMA[path][method].as_strategy(generation_mode=GenerationMode.POSITIVE))
    def as_it_should_be(case: schemathesis.Case) -> None:
        ask(case, addresses.port)

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(case=SCHEMA[path][method].as_strategy(generation_mode=GenerationMode.NEGATIVE))
    def as_it_should_not_be(case: schemathesis.Case) -> None:
        ask(case, addresses.port)

    as_it_should_be()
    if DOCUMENT["paths"][path][method]["parameters"]:
        as_it_should_not_be()


def ask(case: schemathesis.Case, port: int) -> None:
    case.call_and_validate(
        base_url=f"http://127.0.0.1:{port}",
        headers=bearer(token(SHOP)),
        checks=CHECKS,
        timeout=20,
    )
