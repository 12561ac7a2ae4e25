"""README.md is short, its first order is an order, and each figure is in the file that it names."""

import re

import pytest
from doc_pages import ROOT, read, rows, section

from api.reports.routes import REPORTS
from shopstream.contracts.events import read_event
from shopstream.contracts.topics import TOPIC_OF_TYPE

PAGE = read("README.md")
BLOCKS = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
FIGURES = rows(section(PAGE, "## Measured"))


def test_it_is_short_and_begins_with_the_two_commands() -> None:
    assert len(PAGE.splitlines()) <= 150
    assert [line.split()[0] for line in BLOCKS[0].splitlines()] == ["scripts/run", "scripts/test"]


def test_the_screenshot_is_small() -> None:
    (image,) = re.findall(r"!\[[^\]]+\]\((\S+)\)", PAGE)
    assert (ROOT / image).read_bytes().startswith(b"\x89PNG")
    assert (ROOT / image).stat().st_size < 200_000


def test_the_first_order_keeps_the_contract() -> None:
    (event,) = re.findall(r"echo '(\{.*\})' \| .venv/bin/shopstream produce -\)", BLOCKS[2])
    sent = event.replace("'$NOW'", "2026-11-25T01:38:57Z")
    found = read_event(sent.encode(), TOPIC_OF_TYPE["order:created"])
    assert (found.type, found.shop_id) == ("order:created", "my-shop")


def test_the_first_report_shows_every_field_of_it() -> None:
    daily = next(route for route in REPORTS if route.path == "/reports/daily-sales")
    assert all("/reports/daily-sales?includes=" in block for block in BLOCKS[2:])
    shown = re.findall(r'"(\w+)":', PAGE[PAGE.index('{"shopId"') :].partition("```")[0])
    assert set(daily.model.model_fields) <= set(shown)


def test_the_commands_of_each_terminal_are_there() -> None:
    typed = re.findall(r"[\w./]*(?:scripts|bin)/\w+(?: [a-z]+)?", "".join(BLOCKS[1:]))
    assert typed == [f".venv/bin/shopstream {name}" for name in ("token", "token", "produce")]


@pytest.mark.parametrize("row", FIGURES, ids=lambda row: row[0])
def test_each_figure_is_in_its_file(row: list[str]) -> None:
    _, result, command, link = row
    file = read(link.partition("](")[2].rstrip(")"))
    measured = set(re.findall(r"[\d.,]*\d", file))
    figures = re.findall(
        r"(?<![\w.])\d[\d.,]*\d|(?<![\w.-])\d(?!\w)", result.replace("kill -9", "")
    )
    assert figures
    assert [figure for figure in figures if figure not in measured] == []
    assert (ROOT / command.strip("`")).exists()
