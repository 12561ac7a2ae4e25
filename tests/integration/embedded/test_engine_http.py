import http.client
import json
import subprocess
import zlib
from base64 import b64encode
from urllib.parse import quote

import httpx
import pytest
from clickhouse_cityhash.cityhash import CityHash128
from engine_harness import LOGINS, EngineProcess

from shopstream.clickhouse.embedded import frames

MILLIONS = "SELECT throwIf(number = 2500000, 'too far') FROM numbers(3000000)"


@pytest.mark.parametrize("path", ["/ping", "/replicas_status", "/"])
def test_health_needs_no_login(engine: EngineProcess, path: str):
    answer = httpx.get(engine.url + path)
    assert (answer.status_code, answer.text) == (200, "Ok.\n")


def test_another_path_is_not_found(engine: EngineProcess):
    answer = httpx.get(engine.url + "/nowhere")
    assert answer.status_code == 404
    assert answer.text.startswith("There is no handle /nowhere.")


def test_an_answer_has_the_headers_that_drivers_read(engine: EngineProcess):
    with engine.client() as client:
        answer = client.post("/", params={"query_id": "headers-1"}, content="SELECT 1")
    headers = answer.headers
    assert answer.text == "1\n"
    assert headers["X-ClickHouse-Query-Id"] == "headers-1"
    assert headers["X-ClickHouse-Timezone"] == "Etc/UTC"
    assert headers["X-ClickHouse-Server-Display-Name"] == "chdb"
    assert headers["X-ClickHouse-Format"] == "TabSeparated"
    assert headers["Content-Type"] == "text/tab-separated-values; charset=UTF-8"
    assert len(headers["X-ClickHouse-Exception-Tag"]) == 16
    assert headers["Keep-Alive"] == "timeout=30, max=9999"
    assert "X-ClickHouse-Summary" in headers["Access-Control-Expose-Headers"]
    summary = json.loads(headers["X-ClickHouse-Summary"])
    assert {type(value) for value in summary.values()} == {str}
    assert summary["result_rows"] == "1"


def test_the_statement_is_the_url_then_the_body(engine: EngineProcess):
    with engine.client() as client:
        answer = client.post("/", params={"query": "SELECT 1 +"}, content="41")
    assert answer.text == "42\n"


def test_head_has_no_body(engine: EngineProcess):
    with engine.client() as client:
        answer = client.head("/", params={"query": "SELECT 1"})
    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize(
    ("sql", "status", "code"),
    [
        ("SELECT nope", 404, "47"),
        ("SELECT * FROM nope", 404, "60"),
        ("SELECT * FROM nope.nope", 404, "81"),
        ("SELECT nope(1)", 404, "46"),
        ("SELECT 1 FORMAT Nope", 404, "73"),
        ("SELECT 1 SETTINGS nope = 1", 404, "115"),
        ("SELECT (", 400, "62"),
        ("", 400, "62"),
        ("SELECT 1; SELECT 2", 400, "62"),
        ("SELECT 1 INTO OUTFILE '/tmp/never'", 500, "1"),
        ("SELECT toDate('nope')", 400, "38"),
        ("SELECT throwIf(1)", 500, "395"),
        ("SELECT sleep(2) SETTINGS max_execution_time = 0.1", 408, "159"),
    ],
)
def test_an_error_has_the_status_and_code_of_a_server(
    engine: EngineProcess, sql: str, status: int, code: str
):
    assert engine.refusal(sql) == (status, code)


def test_an_error_is_worded_as_a_server_does(engine: EngineProcess):
    with engine.client() as client:
        answer = client.post("/", content="SELECT throwIf(1, 'no')")
    assert answer.text.startswith("Code: 395. DB::Exception: no: ")
    assert answer.text.endswith(
        "(FUNCTION_THROW_IF_VALUE_IS_NON_ZERO) (version 26.9.2.1 (official build))\n"
    )


@pytest.mark.parametrize(
    ("params", "status", "code"),
    [
        ({"nope": "1"}, 404, "115"),
        ({"no-pe": "1"}, 404, "115"),
        ({"database": "nope"}, 404, "81"),
        ({"role": "nope"}, 404, "511"),
        ({"session_id": "unknown", "session_check": "1"}, 404, "372"),
    ],
)
def test_a_bad_parameter_is_refused(engine: EngineProcess, params, status: int, code: str):
    found = engine.refusal("SELECT 1", **params)
    assert found[1] == code
    assert found[0] == status or code == "372"


def test_get_only_reads(engine: EngineProcess):
    with engine.client() as client:
        read = client.get("/", params={"query": "SELECT 1 SETTINGS max_block_size = 5"})
        write = client.get("/", params={"query": "CREATE TABLE shop.g (a Int8) ENGINE = Memory"})
    assert read.text == "1\n"
    assert write.headers["X-ClickHouse-Exception-Code"] == "164"


def test_get_only_reads_in_a_session_too(engine: EngineProcess):
    with engine.client() as client:
        params = {"session_id": "get", "query": "CREATE TEMPORARY TABLE g (a Int8)"}
        write = client.get("/", params=params)
    assert write.headers["X-ClickHouse-Exception-Code"] == "164"
    assert engine.text("CREATE TEMPORARY TABLE g (a Int8)", session_id="get") == ""


def test_settings_in_the_url_hold_for_one_request(engine: EngineProcess):
    asked = "SELECT getSetting('max_block_size')"
    before = engine.text(asked)
    assert engine.text(asked, max_block_size="123") == "123\n"
    assert engine.text(asked) == before


def test_the_format_comes_from_the_statement_or_the_request(engine: EngineProcess):
    assert engine.text("SELECT 1 AS a FORMAT JSONEachRow", default_format="CSV") == '{"a":1}\n'
    assert engine.text("SELECT 1, 'x'", default_format="CSV") == '1,"x"\n'
    with engine.client(headers={"X-ClickHouse-Format": "JSONEachRow"}) as client:
        assert client.post("/", content="SELECT 1 AS a").text == '{"a":1}\n'
    assert engine.text("SELECT 1 AS format") == "1\n"
    assert engine.text("SELECT 1 AS a /* FORMAT CSV */") == "1\n"


def test_parameters_are_bound_as_text(engine: EngineProcess):
    sql = "SELECT {a:UInt8} + 1, {b:String}, {c:Nullable(String)}, {d:Array(String)}"
    answer = engine.text(sql, param_a="1", param_b="it's\\ttab", param_c="\\N", param_d="['x','y']")
    assert answer == "2\tit\\'s\\ttab\t\\N\t['x','y']\n"


def test_a_header_is_sent_once_over_many_chunks(engine: EngineProcess):
    lines = engine.text("SELECT number AS n FROM numbers(300000) FORMAT CSVWithNames").splitlines()
    assert lines[:2] == ['"n"', "0"]
    assert len(lines) == 300001
    assert lines[-1] == "299999"


def test_native_of_a_later_revision_has_block_info_and_a_byte_per_column(engine: EngineProcess):
    sql = """
        SELECT number AS a, toString(number) AS b, [number] AS c, map('k', number) AS d,
            (number, 'x')::Tuple(x UInt8, `y z` String) AS e, toNullable(number) AS f,
            toLowCardinality(toString(number)) AS g, now64(6, 'Europe/Berlin') AS h,
            CAST(NULL, 'LowCardinality(Nullable(String))') AS i, toDecimal128(1, 4) AS j,
            [[('x'::LowCardinality(String), 1)]] AS k, INTERVAL 1 DAY AS l, generateUUIDv4() AS m,
            toIPv6('::1') AS n, CAST('a', 'Enum8(\\'a\\' = 1)') AS o, toFixedString('x', 3) AS p,
            (1., 2.)::Point AS q, true AS r, toDate('2025-06-01') AS s, [] AS t
        FROM numbers(100) FORMAT Native
    """
    with engine.client() as client:
        plain = client.post("/", content=sql).content
        later = client.post("/", params={"client_protocol_version": "54454"}, content=sql).content
    blocks = later.count(b"\x01\x00\x02\xff\xff\xff\xff\x00")
    assert len(later) == len(plain) + blocks * (8 + 20)


def test_any_client_id_is_kept(engine: EngineProcess):
    asked = "SELECT getSetting('log_comment')"
    for query_id in ("plain-1", "a b&c?d=e", "it's \\ %27"):
        expected = query_id.replace("\\", "\\\\").replace("'", "\\'")
        assert engine.text(asked, query_id=query_id) == expected + "\n"


def test_a_long_statement_fits_the_url(engine: EngineProcess):
    sql = f"SELECT length('{'x' * 60_000}')"
    connection = http.client.HTTPConnection("127.0.0.1", engine.port, timeout=30)
    login = f"user=app&password={LOGINS['app']['password']}"
    connection.request("GET", f"/?{login}&query={quote(sql)}")
    assert connection.getresponse().read() == b"60000\n"
    connection.close()


def test_an_empty_result_keeps_its_header(engine: EngineProcess):
    sql = "SELECT 1 AS a, 'x' AS b LIMIT 0 FORMAT TabSeparatedWithNamesAndTypes"
    assert engine.text(sql) == "a\tb\nUInt8\tString\n"


def test_totals_come_last(engine: EngineProcess):
    sql = "SELECT number % 2 AS k, count() FROM numbers(4) GROUP BY k WITH TOTALS ORDER BY k"
    assert engine.text(sql) == "0\t2\n1\t2\n\n0\t4\n"


def test_row_binary_rows_are_whole(engine: EngineProcess):
    with engine.client() as client:
        sql = "SELECT number AS n FROM numbers(200000) FORMAT RowBinaryWithNamesAndTypes"
        content = client.post("/", content=sql).content
    assert content[:10] == b"\x01\x01n\x06UInt64"
    assert len(content) == 10 + 200000 * 8


def test_an_error_after_rows_ends_the_body_without_its_last_chunk(engine: EngineProcess):
    body, tag = _broken_body(engine, MILLIONS)
    mark = tag.encode()
    head, _, rest = body.partition(b"\r\n__exception__\r\n" + mark + b"\r\n")
    message, _, tail = rest.partition(b"\n")
    assert head.startswith(b"0\n0\n")
    assert message.startswith(b"Code: 395. DB::Exception: too far: ")
    assert tail == b"%d %s\r\n__exception__\r\n" % (len(message) + 1, mark)


def test_an_error_after_rows_leaves_a_compressed_body_unfinished(engine: EngineProcess):
    body, _ = _broken_body(engine, MILLIONS, {"Accept-Encoding": "gzip"})
    stream = zlib.decompressobj(31)
    assert b"Code: 395" in stream.decompress(body)
    assert not stream.eof


def test_wait_end_of_query_gives_the_error_its_status(engine: EngineProcess):
    assert engine.refusal(MILLIONS, wait_end_of_query="1") == (500, "395")


def test_a_result_that_must_be_held_whole_is_limited(engine: EngineProcess):
    sql = "SELECT repeat('x', 1000 + number % 2) FROM numbers(3000) FORMAT JSON"
    assert engine.refusal(sql, max_result_bytes="2000000")[1] == "396"
    assert len(engine.text(sql)) > 3_000_000


def test_a_failed_statement_leaves_nothing_behind(engine: EngineProcess):
    for session in ({}, {"session_id": "failures"}):
        _broken_body(engine, MILLIONS, params=session)
        failing = "SELECT throwIf(number = 900000) FROM numbers(1000000)"
        assert engine.refusal(failing, wait_end_of_query="1", **session) == (500, "395")
        assert engine.text("SELECT 1", **session) == "1\n"


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_body_is_encoded_as_the_client_accepts(engine: EngineProcess, encoding: str):
    with engine.client(headers={"Accept-Encoding": encoding}) as client:
        answer = client.post("/", content="SELECT number FROM numbers(100000)")
        plain = client.post(
            "/", params={"enable_http_compression": "0"}, content="SELECT number FROM numbers(1)"
        )
    assert answer.headers["Content-Encoding"] == encoding
    assert answer.text.splitlines()[-1] == "99999"
    assert "Content-Encoding" not in plain.headers


def test_an_unknown_content_encoding_is_refused(engine: EngineProcess):
    with engine.client(headers={"Content-Encoding": "br"}) as client:
        answer = client.post("/", content=b"SELECT 1")
    assert answer.status_code == 501
    assert answer.headers["X-ClickHouse-Exception-Code"] == "48"


def test_clickhouse_frames_go_both_ways(engine: EngineProcess):
    with engine.client() as client:
        params = {"compress": "1", "decompress": "1"}
        answer = client.post("/", params=params, content=frames.pack(b"SELECT 1"))
    low, high = (int.from_bytes(answer.content[at : at + 8], "little") for at in (0, 8))
    assert CityHash128(answer.content[16:]) == low << 64 | high
    assert frames.unpack(answer.content, 100) == b"1\n"


def test_several_ways_to_log_in_at_once_are_refused(engine: EngineProcess):
    with engine.client(headers={"X-ClickHouse-User": "app"}) as client:
        answer = client.post("/", content="SELECT 1")
    assert answer.status_code == 403
    assert answer.headers["X-ClickHouse-Exception-Code"] == "516"


@pytest.mark.parametrize(
    ("headers", "params"),
    [
        ({}, {}),
        ({"X-ClickHouse-User": "app", "X-ClickHouse-Key": "wrong"}, {}),
        ({"X-ClickHouse-User": "nobody", "X-ClickHouse-Key": "app-password"}, {}),
        ({"Authorization": "Basic ???"}, {}),
        ({"Authorization": "Bearer x"}, {}),
        ({}, {"user": "app", "password": ""}),
    ],
)
def test_without_a_right_password_nothing_is_said(engine: EngineProcess, headers, params):
    answer = httpx.post(engine.url, headers=headers, params=params, content="SELECT 1")
    assert answer.status_code == 403
    assert answer.headers["X-ClickHouse-Exception-Code"] == "516"


def test_curl_logs_in_each_way(engine: EngineProcess):
    ways = (
        ["-u", "app:app-password", engine.url],
        ["-H", "X-ClickHouse-User: app", "-H", "X-ClickHouse-Key: app-password", engine.url],
        [f"{engine.url}/?user=app&password=app-password"],
    )
    for way in ways:
        ran = subprocess.run(["curl", "-sS", "-d", "SELECT 1", *way], capture_output=True)
        assert (ran.stdout, ran.returncode) == (b"1\n", 0)


def _broken_body(engine, sql: str, headers=None, params=None) -> tuple[bytes, str]:
    connection = http.client.HTTPConnection("127.0.0.1", engine.port, timeout=30)
    basic = b64encode(f"app:{LOGINS['app']['password']}".encode()).decode()
    path = "/?" + "&".join(f"{k}={v}" for k, v in (params or {}).items())
    connection.request("POST", path, sql, {"Authorization": f"Basic {basic}", **(headers or {})})
    answer = connection.getresponse()
    assert answer.status == 200
    with pytest.raises(http.client.IncompleteRead) as broken:
        answer.read()
    connection.close()
    return broken.value.partial, answer.headers["X-ClickHouse-Exception-Tag"]
