import pytest

from shopstream.clickhouse.embedded.errors import ServerError
from shopstream.clickhouse.embedded.multipart import Form, parse_form

KIND = b'multipart/form-data; boundary="mark"'


def part(head: str, content: bytes) -> bytes:
    return b"--mark\r\nContent-Disposition: form-data; " + head.encode() + b"\r\n\r\n" + content


def test_parts_are_fields_and_files():
    body = (
        part('name="query"', b"SELECT 1")
        + b"\r\n"
        + part('name="staged"; filename="s.arrow"\r\nContent-Type: a/b', b"\x00--mar\r\n\r\n\xff")
        + b"\r\n--mark--\r\n"
    )
    assert parse_form(KIND, body) == Form(
        {"query": "SELECT 1"}, {"staged": b"\x00--mar\r\n\r\n\xff"}
    )


def test_a_file_may_be_empty():
    body = part('name="staged"; filename=""', b"") + b"\r\n--mark--"
    assert parse_form(KIND, body) == Form({}, {"staged": b""})


def test_a_form_may_be_empty():
    assert parse_form(b"multipart/form-data; boundary=mark", b"--mark--\r\n") == Form({}, {})


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (b"multipart/form-data", b"--mark--"),
        (KIND, b"nothing"),
        (KIND, b"--mark\r\nContent-Disposition: form-data; name=x"),
        (KIND, part('name="x"', b"no end")),
        (KIND, part("", b"x") + b"\r\n--mark--"),
    ],
)
def test_a_malformed_form_is_refused(kind: bytes, body: bytes):
    with pytest.raises(ServerError) as refused:
        parse_form(kind, body)
    assert refused.value.code == 36
