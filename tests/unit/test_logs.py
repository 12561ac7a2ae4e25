"""One line for each record, as text or as JSON, and warnings of variables that nothing reads."""

import json
import logging
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from shopstream.logs import as_json, formatter, sentence

AT = datetime(2026, 11, 29, 9, 31, 25, 950_000, UTC)


def record(message: str, *args: object, error: BaseException | None = None) -> logging.LogRecord:
    about = (type(error), error, None) if error else None
    found = logging.LogRecord("api.main", logging.WARNING, "main.py", 1, message, args, about)
    found.created, found.msecs = AT.timestamp(), 950
    return found


def test_text_is_in_utc_with_level_and_logger() -> None:
    assert formatter("text").format(record("at most %d", 7)) == (
        "2026-11-29 09:31:25,950 WARNING api.main: at most 7"
    )


def test_json_is_one_line_whatever_the_message_is() -> None:
    line = formatter("json").format(record('a\n"b" %s', "月", error=ValueError("c")))
    assert "\n" not in line
    assert json.loads(line) == {
        "time": "2026-11-29T09:31:25.950Z",
        "level": "WARNING",
        "logger": "api.main",
        "message": 'a\n"b" 月',
        "error": "ValueError: c",
    }


def test_lines_of_other_programs_become_json_and_ours_stay() -> None:
    assert json.loads(as_json("[1] WARN x", "broker", AT)) == {
        "time": "2026-11-29T09:31:25.950Z",
        "logger": "broker",
        "message": "[1] WARN x",
    }
    ours = formatter("json").format(record("x"))
    assert as_json(ours, "api", AT) == ours


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ('{"level":"ERROR","message":"the worker ends"}', "ERROR the worker ends"),
        ("plain", "plain"),
        ("{not json", "{not json"),
        ('{"a":1}', '{"a":1}'),
    ],
)
def test_a_terminal_shows_the_message_of_a_line(line: str, shown: str) -> None:
    assert sentence(line) == shown


def test_a_process_warns_of_unknown_variables_in_its_log() -> None:
    code = "from shopstream.logs import configure; configure('json')"
    environment = {"SHOPSTREAM_PROT": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    found = json.loads(done.stderr)
    assert (found["level"], found["logger"]) == ("WARNING", "shopstream.logs")
    assert found["message"].endswith("did you mean SHOPSTREAM_PORT?")
