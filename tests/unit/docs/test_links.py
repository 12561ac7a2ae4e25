"""Links lead somewhere, and no page speaks of the machine it was written on."""

import re
from pathlib import Path

import pytest
from doc_pages import ROOT, markdown, prose

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_ABSOLUTE = re.compile(r"(?<![\w.:/<-])/(?:home|root|work|tmp|Users|mnt)\b")
PAGES = markdown()


def anchor(heading: str) -> str:
    """As GitHub makes it."""
    bare = re.sub(r"[^\w\- ]", "", heading.lower().strip())
    return bare.replace(" ", "-")


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", prose(page.read_text()), re.MULTILINE)
    return {anchor(heading) for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_relative_links_resolve(page: Path) -> None:
    for link in _LINK.findall(prose(page.read_text())):
        if link.startswith(("https://", "http://")):
            continue
        path, _, fragment = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.is_relative_to(ROOT) and target.exists(), link
        assert not fragment or fragment in anchors(target), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_page_names_a_path_of_a_machine(page: Path) -> None:
    assert _ABSOLUTE.findall(page.read_text()) == []
