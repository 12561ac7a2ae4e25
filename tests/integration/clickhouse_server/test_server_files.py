"""No login reads a file of the machine through the server: clickhouse-local would let every one."""

import base64
from http.client import HTTPConnection
from pathlib import Path

import pytest
from asking import ask, headers, native
from clickhouse_driver.errors import ServerException

from support.engine import ClickHouseServer

SECRET = "a line that nobody may read"


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    file = tmp_path / "secret.txt"
    file.write_text(SECRET + "\n")
    return file


@pytest.mark.parametrize("login", ["default", "bi", "app"])
@pytest.mark.parametrize(
    "call", ["file('{}')", "file('{}', NULL)", "file(materialize('{}'), 'nothing')", "FILE('{}')"]
)
def test_the_function_file_reads_nothing(
    engine: ClickHouseServer, secret: Path, login: str, call: str
) -> None:
    for path in (secret, engine.path / "server" / "config.xml", "config.xml"):
        statement = f"SELECT {call.format(path)}"
        answer = ask(engine, login, statement)
        assert answer.status != 200
        assert SECRET not in answer.text and "http_port" not in answer.text
        with native(engine, login) as client, pytest.raises(ServerException) as said:
            client.execute(statement)
        assert SECRET not in str(said.value)


@pytest.mark.parametrize("login", ["default", "bi", "app"])
@pytest.mark.parametrize("database", ["local", "default", "shopstream_bi"])
def test_the_path_of_a_file_is_no_table(
    engine: ClickHouseServer, secret: Path, login: str, database: str
) -> None:
    answer = ask(engine, login, f"SELECT * FROM {database}.`{secret}`")
    assert answer.status != 200
    assert SECRET not in answer.text


@pytest.mark.parametrize("login", ["default", "bi"])
@pytest.mark.parametrize(
    ("form", "setting"),
    [
        ("Template", "format_template_row"),
        ("Template", "format_template_resultset"),
        ("Protobuf", "format_schema"),
        ("Protobuf", "format_schema_source"),
        ("AvroConfluent", "format_avro_schema_registry_url"),
        ("CSV", "input_format_record_errors_file_path"),
    ],
)
def test_no_format_opens_a_file_or_an_address(
    engine: ClickHouseServer, secret: Path, login: str, form: str, setting: str
) -> None:
    statement = f"SELECT '1' AS a FORMAT {form}"
    clause = f"{statement} SETTINGS {setting} = '{secret}'"
    answers = [
        ask(engine, login, clause),
        ask(engine, login, statement, **{setting: str(secret)}),
        ask(engine, login, statement, profile="default", **{setting: str(secret)}),
        ask(engine, login, clause, session_id=f"files-of-{login}"),
    ]
    assert [answer.code for answer in answers] == [452] * 4
    assert SECRET not in "".join(answer.text for answer in answers)


def test_an_external_table_opens_no_file_either(engine: ClickHouseServer, secret: Path) -> None:
    body = '--b\r\nContent-Disposition: form-data; name="given"; filename="given"\r\n\r\n1\r\n--b--\r\n'
    query = "query=SELECT+*+FROM+given&given_structure=a+String&given_format=Template"
    url = f"/?{query}&format_template_row={secret}"
    connection = HTTPConnection("127.0.0.1", engine.port, timeout=10)
    kind = {"Content-Type": "multipart/form-data; boundary=b"}
    connection.request("POST", url, body.encode(), headers(engine, "bi") | kind)
    answer = connection.getresponse()
    assert (answer.status, answer.getheader("X-ClickHouse-Exception-Code")) == (500, "452")
    assert SECRET not in answer.read().decode()
    connection.close()


def test_there_is_no_terminal_in_the_browser(engine: ClickHouseServer) -> None:
    """It would be a clickhouse-client with the rights of the process on files."""
    key = base64.b64encode(b"0123456789abcdef").decode()
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": key,
    }
    for more in ({}, upgrade):
        connection = HTTPConnection("127.0.0.1", engine.port, timeout=10)
        connection.request("GET", "/webterminal", headers=headers(engine, "app") | more)
        assert connection.getresponse().status == 403
        connection.close()
