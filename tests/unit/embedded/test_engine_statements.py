import pytest

from shopstream.clickhouse.embedded.errors import ServerError
from shopstream.clickhouse.embedded.statement import Statement, read_statement


def test_a_statement_is_the_url_and_the_body():
    assert read_statement("SELECT 1 +", [b"1 ", b"FORMAT CSV"], {}) == Statement(
        "SELECT", "SELECT 1 +\n1 FORMAT CSV", "CSV"
    )
    assert read_statement("", [b"SHOW TABLES"], {}) == Statement("SHOW", "SHOW TABLES", None)


def test_data_behind_a_statement_in_the_url_is_not_touched():
    pieces = [b"\x00\xff" * 4096, b"\n\n"]
    read = read_statement("INSERT INTO t FORMAT Arrow", pieces, {})
    assert (read.sql, read.form) == ("INSERT INTO t ", "Arrow")
    assert read.data is not None
    assert [piece for piece in read.data if piece] == pieces
    assert pieces[0] in read.data


def test_data_may_begin_in_any_piece_of_the_body():
    whole = b"INSERT INTO t FORMAT CSV\n1,2\n3,4\n"
    for cut in range(1, len(whole)):
        read = read_statement("", [whole[:cut], whole[cut:]], {})
        assert read.data is not None
        assert (read.form, b"".join(read.data)) == ("CSV", b"1,2\n3,4\n"), cut


def test_names_are_bound_in_the_text_and_values_by_the_engine():
    params = {"t": "a`b", "v": "1"}
    named = read_statement("INSERT INTO {t:Identifier} FORMAT CSV", [b"1"], params)
    assert named.sql == "INSERT INTO `a\\`b` "
    valued = read_statement("INSERT INTO t VALUES ({v:UInt8})", [], params)
    assert valued == Statement("INSERT", "INSERT INTO t  VALUES  ({v:UInt8})\n", None)


@pytest.mark.parametrize(
    ("query", "body", "code"), [("", [], 62), ("  ", [b" "], 62), ("", [b"\xff"], 6)]
)
def test_what_is_no_statement_is_refused(query: str, body: list[bytes], code: int):
    with pytest.raises(ServerError) as refused:
        read_statement(query, body, {})
    assert refused.value.code == code
