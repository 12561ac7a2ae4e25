"""SECURITY.md names code and tests that are there."""

import re
from pathlib import Path

import pytest

from supply.locks import ROOT

PAGE = (ROOT / "SECURITY.md").read_text()
CODES = re.findall(r"`([^`\n]+)`", PAGE)
FILE = re.compile(r"[\w/]+\.py")


def named_tests() -> list[tuple[str, str]]:
    """Files and names; `::name` alone is of the file before it."""
    found, file = [], ""
    for code in CODES:
        named, _, test = code.partition("::")
        if test:
            file = named or file
            found.append((file, test))
    return found


@pytest.mark.parametrize(("file", "name"), named_tests())
def test_a_test_that_is_named_is_there(file: str, name: str) -> None:
    text = (ROOT / "tests" / file).read_text()
    assert re.search(rf"^(async )?def {name}\(", text, re.MULTILINE)


@pytest.mark.parametrize("file", sorted({code for code in CODES if FILE.fullmatch(code)}))
def test_a_file_that_is_named_is_there(file: str) -> None:
    assert (ROOT / file).is_file()


def test_every_script_that_is_named_is_there() -> None:
    named = {code.split()[0] for code in CODES if code.startswith("scripts/")}
    assert named == {"scripts/audit", "scripts/sbom", "scripts/lock", "scripts/setup"}
    assert all(Path(ROOT, name).is_file() for name in named)


def test_every_actor_has_what_is_not_defended() -> None:
    actors = PAGE.partition("## Who may do what")[2].partition("\n## ")[0].split("\n### ")[1:]
    assert [actor.splitlines()[0] for actor in actors] == [
        "A producer that may write one topic",
        "An HTTP client without a token",
        "A user of a shop",
        "A user of another shop",
        "A BI login",
        "The operator",
        "Other users of the machine",
    ]
    assert all("**not defended**" in actor.lower() for actor in actors)
