"""docs/DESIGN.md walks an event and a request through files that are there, in few hops."""

import re

import pytest
from doc_pages import ROOT, read, section

PAGE = read("docs/DESIGN.md")
WALKS = ("## The walk of one event", "## The walk of one report request")


def hops(walk: str) -> list[str]:
    return re.findall(r"^\d+\. (.+)$", section(PAGE, walk), re.MULTILINE)


@pytest.mark.parametrize("walk", WALKS)
def test_a_walk_has_at_most_twelve_hops_and_each_begins_with_a_file(walk: str) -> None:
    files = [re.match(r"`([\w/]+\.py)`", hop) for hop in hops(walk)]
    assert 5 <= len(files) <= 12
    assert [hop for hop, file in zip(hops(walk), files, strict=True) if not file] == []
    assert len({file[1] for file in files if file}) == len(files)


def test_every_file_that_is_named_with_its_package_is_there() -> None:
    text = PAGE.partition("## The walk of one event")[2]
    named = set(re.findall(r"`((?:api|pipeline|shopstream|clickhouse|local)/[\w/]+\.py)`", text))
    assert [name for name in sorted(named) if not (ROOT / name).is_file()] == []
