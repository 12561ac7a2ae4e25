import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from local.board import Board, State
from local.output import Log, Muffler, is_wrong, json_lines, plain_lines
from local.service import Backoff, Service, grace, how_it_ended

BROKER = Service("broker", ("b",))
ENGINE = Service("engine", ("e",))
PIPELINE = Service("pipeline", ("p",), starts_after=("broker", "engine"))
API = Service("api", ("a",), starts_after=("broker", "engine"))
ALL = (BROKER, ENGINE, PIPELINE, API)


def running() -> Board:
    board = Board(ALL)
    for service in ALL:
        board.set(service.name, State.READY)
    return board


def test_pauses_double_up_to_the_cap() -> None:
    backoff = Backoff(first=1, cap=5)
    assert [backoff.after(0) for _ in range(5)] == [1, 2, 4, 5, 5]


def test_pauses_begin_again_after_a_calm_life() -> None:
    backoff = Backoff(first=1, cap=5, calm=30)
    backoff.after(0)
    assert [backoff.after(29.9), backoff.after(30), backoff.after(0)] == [2, 1, 2]


def test_the_pause_stays_at_the_cap_for_ever() -> None:
    assert Backoff(failures=10**6).after(0) == 15.0


def test_every_later_process_keeps_its_reserve_of_the_time_to_stop() -> None:
    assert grace(9.0, 5) == 7.0
    assert grace(9.0, 1) == 9.0
    assert grace(-1.0, 3) == 0.1


@pytest.mark.parametrize(
    ("code", "words", "text"),
    [
        (3, "no disk", "exit code 3: no disk"),
        (0, "", "exit code 0"),
        (-9, "", "killed by SIGKILL"),
        (-15, "bye", "killed by SIGTERM: bye"),
    ],
)
def test_how_it_ended(code: int, words: str, text: str) -> None:
    assert how_it_ended(code, words) == text


def test_a_service_starts_once_those_before_it_have_been_ready() -> None:
    board = Board(ALL)
    assert board.may_start("broker")
    assert not board.may_start("pipeline")
    board.set("broker", State.READY)
    board.set("engine", State.STARTING)
    assert not board.may_start("api")
    board.set("engine", State.READY)
    assert board.may_start("pipeline")
    assert board.may_start("api")


@pytest.mark.parametrize("dead", ["broker", "engine", "pipeline", "api"])
def test_one_that_is_down_holds_up_nobody_who_was_ready(dead: str) -> None:
    board = running()
    board.set(dead, State.DOWN)
    assert not board.all_ready()
    assert board.was_ready(dead)
    assert all(board.may_start(service.name) for service in ALL)
    board.set(dead, State.READY)
    assert board.all_ready()


def test_a_service_that_was_never_ready_is_not_taken_for_one_that_was() -> None:
    board = Board(ALL)
    board.set("broker", State.STARTING)
    board.set("broker", State.DOWN)
    assert not board.was_ready("broker")
    assert not board.may_start("api")


def test_all_stop_in_the_reverse_order() -> None:
    assert Board(ALL).stop_order() == ["api", "pipeline", "engine", "broker"]
    assert running().all_ready()


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("2026-11-22 ERROR flush failed", True),
        ("ValueError: no", True),
        ("thread 'main' panicked at x.rs", True),
        ("INFO: 0 errors", False),
        ("the engine is away, trying again", False),
    ],
)
def test_what_is_shown_on_the_terminal(line: str, wrong: bool) -> None:
    assert is_wrong(line) is wrong


def test_a_storm_of_lines_is_muffled() -> None:
    muffler = Muffler(limit=2, per=10)
    assert [muffler.admits(now) for now in (0, 1, 2, 9, 10, 11, 12)] == [
        True,
        True,
        False,
        False,
        True,
        True,
        False,
    ]


def test_a_log_and_the_one_before_it_never_take_more_than_twice_the_limit(tmp_path) -> None:
    path, before = tmp_path / "a.log", tmp_path / "a.log.1"
    path.write_bytes(b"x" * 9 + b"\n")
    log = Log(path, limit=20)
    for number in range(1000):
        log.write(b"%05d\n" % number)
        assert path.stat().st_size <= 20
        assert not before.exists() or before.stat().st_size <= 20
    log.close()
    assert path.read_bytes().endswith(b"00999\n")
    assert before.read_bytes() == b"00994\n00995\n00996\n"


def test_a_log_that_cannot_be_written_ends_nobody(tmp_path) -> None:
    log = Log(tmp_path / "a.log", limit=20)
    log._file.close()
    log.write(b"lost\n")
    full = Log(Path("/dev/full"))
    full.write(b"lost\n")


def test_a_log_that_somebody_deleted_goes_on(tmp_path) -> None:
    path = tmp_path / "logs" / "a.log"
    log = Log(path, limit=20)
    log.write(b"before\n")
    shutil.rmtree(path.parent)
    for number in range(3):
        log.write(b"line %05d\n" % number)
    assert path.read_bytes() == b"line 00002\n"
    log.close()


def test_codes_for_a_terminal_do_not_reach_a_file() -> None:
    assert plain_lines(b"\x1b[?25h") == b""
    assert plain_lines(b"\x1b[31mred\x1b[0m\n") == b"red\n"
    assert plain_lines(b"\xff plain\n") == b"\xff plain\n"
    shape = json_lines("broker", lambda: datetime(2026, 11, 29, tzinfo=UTC))
    assert json.loads(shape(b"\x1b[31mred\x1b[0m\n")) == {
        "time": "2026-11-29T00:00:00.000Z",
        "logger": "broker",
        "message": "red",
    }
    assert shape(b"\x1b[?25h") == b""
