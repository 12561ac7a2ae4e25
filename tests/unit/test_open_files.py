"""How many files may be open, and what comes of too many."""

import errno
import resource
import subprocess
import sys
from typing import Any

import pytest

from api import http_protocol, server
from api.problems import describe
from api.push.event_types import DEFAULT
from api.push.stored_events import LARGEST_PAGE, Span, StoredEvents
from api.push.subscriber import SubscriptionFilter
from api.reports.statements import BYTES_AT_ONCE
from api.server import connections_for
from clickhouse.client import Address, ClickHouseClient
from clickhouse.errors import EngineError, EngineUnavailable, from_driver
from local.up import FILES_NEEDED, _check_files
from shopstream.broker import BrokerUnreachable, TopicAdmin
from shopstream.contracts.cursor import Partition, Position
from shopstream.contracts.json_text import MAX_BYTES
from shopstream.faults import Fault
from shopstream.limits import out_of_files
from shopstream.settings import Settings

NONE_LEFT = OSError(errno.EMFILE, "Too many open files")


def test_the_soft_limit_becomes_the_hard_one() -> None:
    script = (
        "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (64, 512));"
        "from shopstream.limits import raise_open_files;"
        "print(raise_open_files(), *resource.getrlimit(resource.RLIMIT_NOFILE))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout == "512 512 512\n", done.stderr
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] != 512


def test_up_does_not_start_with_too_few_and_says_how_many_it_needs() -> None:
    _check_files(FILES_NEEDED)
    with pytest.raises(Fault, match=r"may have 1,024 files open here, and `up` needs 4,096: "):
        _check_files(1024)


def test_what_a_request_meets_without_a_file_left_is_a_503() -> None:
    wrapped = RuntimeError("in a library")
    wrapped.__cause__ = NONE_LEFT
    assert out_of_files(wrapped) and not out_of_files(OSError(errno.ENOENT, "none"))
    problem = describe(NONE_LEFT)
    assert problem.status == 503
    assert problem.headers == {"Retry-After": "1"}
    assert describe(OSError(errno.ENOENT, "none")).status == 500


class DriverError(Exception):
    code, name = 76, "CANNOT_OPEN_FILE"


@pytest.mark.parametrize(
    "said",
    [
        "Code: 76. DB::ErrnoException: Cannot open file /a/b.bin: , errno: 24, strerror: Too many open files.",
        "Code: 75. DB::ErrnoException: Cannot write to file: , errno: 28, strerror: No space left on device.",
        "Code: 1001. DB::Exception: std::exception. filesystem error: in create_directories: [No space left on device]",
    ],
)
def test_an_engine_without_files_or_space_is_waited_for(said: str) -> None:
    assert isinstance(from_driver(DriverError(said)), EngineUnavailable)


def test_an_engine_that_cannot_open_a_file_for_another_reason_is_not() -> None:
    said = "Code: 76. DB::ErrnoException: Cannot open file /a/b.bin: , errno: 13, strerror: Permission denied."
    assert isinstance(from_driver(DriverError(said)), EngineError)


async def test_the_client_of_the_engine_says_that_it_cannot_be_reached(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def none_left(_: ClickHouseClient) -> None:
        raise NONE_LEFT

    monkeypatch.setattr(ClickHouseClient, "_connected", none_left)
    with pytest.raises(EngineUnavailable, match="Too many open files"):
        await ClickHouseClient(Address.parse("http://127.0.0.1:1")).rows("SELECT 1")


def test_the_client_of_kafka_says_that_it_cannot_be_reached(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def none_left(*_: object) -> None:
        raise NONE_LEFT

    monkeypatch.setattr("shopstream.broker._connect", none_left)
    with pytest.raises(BrokerUnreachable, match="Too many open files"):
        TopicAdmin(Settings()).topic_ids(["a"])


def test_some_files_are_left_to_what_is_no_connection() -> None:
    beside = server.FILES_BESIDE + http_protocol.SPARE
    assert connections_for(20_000) == 20_000 - beside
    assert connections_for(100) == server.LEAST_CONNECTIONS


def test_an_answer_waits_in_memory_and_needs_no_disk() -> None:
    settings = ClickHouseClient(Address.parse("http://127.0.0.1:1"))._all(None)
    assert settings["wait_end_of_query"] == 1
    # of products, sales and parts in one statement
    assert 3 * BYTES_AT_ONCE < settings["max_result_bytes"] < settings["buffer_size"]


async def test_a_page_of_the_largest_events_that_were_missed_is_answered_from_memory() -> None:
    statements: list[Any] = []

    class Engine(ClickHouseClient):
        async def content(self, sql: str, form: str, params: Any, settings: Any, **_: Any) -> bytes:
            statements.append(self._all(settings))
            return b'["topic"]\n'

    partition = Partition("shop.orders", 0)
    span = Span({partition: Position(1, 0)}, {partition: Position(1, LARGEST_PAGE)})
    wanted = SubscriptionFilter("u", DEFAULT)
    engine = Engine(Address.parse("http://127.0.0.1:1"))
    await StoredEvents(engine).page("s", span, wanted, LARGEST_PAGE)
    (settings,) = statements
    assert LARGEST_PAGE * MAX_BYTES < settings["max_result_bytes"] <= settings["buffer_size"] // 2


class _Answers(ClickHouseClient):
    """Reads rows from the bytes of an answer."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    async def content(self, *_args: object, **_named: object) -> bytes:
        return self.body


@pytest.mark.parametrize("body", [b"", b'["a"]\n[1', b'["a","b"]\n[1]\n'])
async def test_an_answer_that_the_engine_could_not_write_is_none(body: bytes) -> None:
    whole = _Answers(b'["a"]\n[1]\n[2]\n')
    assert await whole.rows("SELECT a FROM x") == [{"a": 1}, {"a": 2}]
    with pytest.raises(EngineUnavailable, match="torn"):
        await _Answers(body).rows("SELECT a FROM x")


async def test_columns_that_the_engine_could_not_write_are_none() -> None:
    whole = b"\1\2\1n\5UInt8\7\x08"
    (found,) = await _Answers(whole).columns("SELECT n FROM x", ["u1"])
    assert list(found) == [7, 8]
    with pytest.raises(EngineUnavailable, match="torn"):
        await _Answers(whole[:-1]).columns("SELECT n FROM x", ["u1"])
