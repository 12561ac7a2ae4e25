import gzip
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import cramjam
import orjson
import pytest
from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from api.faults import BadParameter, Forbidden, NotYet, Unauthorized
from api.parameters import Parameter, read_query
from api.problems import describe
from api.reports.cache import CachedResponse
from api.reports.reader import make
from api.reports.routes import choose_coding, respond
from clickhouse.errors import EngineError, EngineUnavailable

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
BODY = {"shopId": "s1", "totalRevenue": orjson.Fragment("1.10")}


def request(**headers: str) -> Request:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "headers": raw})


def answered(
    asked: Request, body: dict[str, Any] | None = None, as_of: datetime | None = NOON
) -> Response:
    return respond(asked, CachedResponse(make(body or BODY, NOON).value, as_of))


def test_a_report_carries_as_of_last_and_a_tag_of_everything_else() -> None:
    one, later = (answered(request(), as_of=at) for at in (NOON, None))
    assert one.body == (b'{"shopId":"s1","totalRevenue":1.10,"asOf":"2026-11-22T12:00:00.000000Z"}')
    assert later.body == b'{"shopId":"s1","totalRevenue":1.10,"asOf":null}'
    assert one.headers["etag"] == later.headers["etag"]
    assert one.headers["etag"] != answered(request(), {"shopId": "s2"}).headers["etag"]
    assert one.headers["cache-control"] == "private, no-cache"
    assert one.headers["vary"] == "Accept-Encoding, Authorization"


@pytest.mark.parametrize("form", ["{}", "W/{}", '"x", {}', "*"])
def test_a_client_that_has_it_gets_304_without_a_body(form: str) -> None:
    tag = answered(request()).headers["etag"]
    again = answered(request(if_none_match=form.format(tag)), as_of=None)
    assert (again.status_code, again.body) == (304, b"")
    assert dict(again.headers) == {
        "etag": tag,
        "cache-control": "private, no-cache",
        "vary": "Accept-Encoding, Authorization",
    }


def test_another_tag_gets_the_report() -> None:
    assert answered(request(if_none_match='"x"')).status_code == 200


UNPACK: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.decompress,
    "br": lambda packed: bytes(cramjam.brotli.decompress(packed)),
    "zstd": lambda packed: bytes(cramjam.zstd.decompress(packed)),
}


@pytest.mark.parametrize("coding", UNPACK)
def test_a_long_report_is_compressed_where_the_client_asks(coding: str) -> None:
    body = {"text": "x" * 2000}
    packed = answered(request(accept_encoding=coding), body)
    assert packed.headers["content-encoding"] == coding
    assert len(packed.body) < 200
    assert UNPACK[coding](bytes(packed.body)) == answered(request(), body).body


def test_a_short_report_is_not_compressed() -> None:
    assert "content-encoding" not in answered(request(accept_encoding="gzip")).headers


@pytest.mark.parametrize(
    ("accepted", "expected"),
    [
        ("gzip", "gzip"),
        ("x-gzip", "gzip"),
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip, deflate, br", "br"),
        ("zstd;q=0.5, br;q=0.8, gzip;q=0.7", "br"),
        ("deflate, GZIP;q=0.5", "gzip"),
        ("BR ; Q=1", "br"),
        ("*", "zstd"),
        ("zstd;q=0, *", "br"),
        ("gzip;q=0", None),
        ("gzip; q=0.0, br;q=0.000", None),
        ("*;q=0", None),
        ("identity", None),
        ("", None),
        ("gzip;q=nonsense", "gzip"),
    ],
)
def test_what_the_client_accepts_is_read_as_the_rfc_says(
    accepted: str, expected: str | None
) -> None:
    assert choose_coding(accepted) == expected


def one_to_three(text: str) -> int:
    if text not in ("1", "2", "3"):
        raise ValueError("must be 1, 2 or 3")
    return int(text)


@pytest.mark.parametrize(
    ("query", "name", "rule"),
    [
        ("n=7", "n", "must be 1, 2 or 3"),
        ("n=", "n", "must be 1, 2 or 3"),
        ("n=1&n=1", "n", "must stand once"),
        ("m=1", "m", "is not a parameter here; there are: n"),
    ],
)
def test_a_query_is_read_strictly(query: str, name: str, rule: str) -> None:
    with pytest.raises(BadParameter) as fault:
        read_query(QueryParams(query), [Parameter("n", "", one_to_three)])
    assert (fault.value.name, fault.value.rule) == (name, rule)


def test_an_absent_parameter_is_none() -> None:
    assert read_query(QueryParams(""), [Parameter("n", "", one_to_three)]) == {"n": None}


@pytest.mark.parametrize(
    ("fault", "status", "kind"),
    [
        (BadParameter("n", "must be 1"), 400, "urn:shopstream:problem:bad-parameter"),
        (Unauthorized("no"), 401, "urn:shopstream:problem:unauthorized"),
        (Forbidden("no"), 403, "urn:shopstream:problem:forbidden"),
        (NotYet("wait"), 503, "urn:shopstream:problem:not-yet"),
        (EngineUnavailable("down"), 503, "urn:shopstream:problem:database-unavailable"),
        (EngineError(60, "UNKNOWN_TABLE", "x"), 503, "urn:shopstream:problem:database-unavailable"),
        (EngineError(62, "SYNTAX_ERROR", "secret"), 500, "urn:shopstream:problem:internal"),
        (HTTPException(404), 404, "about:blank"),
        (ZeroDivisionError("secret"), 500, "urn:shopstream:problem:internal"),
    ],
)
def test_every_fault_is_a_problem_and_tells_nothing_of_the_inside(
    fault: Exception, status: int, kind: str
) -> None:
    response = describe(fault).response()
    body = orjson.loads(response.body)
    assert (response.status_code, body["status"], body["type"]) == (status, status, kind)
    assert response.headers["content-type"] == "application/problem+json"
    assert ("retry-after" in response.headers) is (status == 503)
    assert "secret" not in response.body.decode()


def test_a_bad_parameter_is_named_with_its_rule() -> None:
    body = orjson.loads(describe(BadParameter("date", "must be a date")).response().body)
    assert (body["parameter"], body["rule"], body["detail"]) == (
        "date",
        "must be a date",
        "date must be a date",
    )


def test_the_challenge_names_an_error_only_where_a_token_was_given() -> None:
    given, none = Unauthorized("x"), Unauthorized("x", token_given=False)
    assert describe(given).headers == {
        "WWW-Authenticate": 'Bearer realm="shopstream", error="invalid_token"'
    }
    assert describe(none).headers == {"WWW-Authenticate": 'Bearer realm="shopstream"'}
