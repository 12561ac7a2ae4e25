"""The documentation as text and as tables."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[3]
_CODE = re.compile(r"`([^`\n]+)`")
_FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def read(path: str) -> str:
    """A file of the repository."""
    return (ROOT / path).read_text()


def markdown() -> list[Path]:
    """Every page that is, or can be, in the repository: what git ignores is left out."""
    listed = subprocess.run(
        ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", "*.md"),
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split("\0")
    return [ROOT / name for name in listed if name and (ROOT / name).exists()]


def section(text: str, heading: str) -> str:
    """From a heading to the next of its level or above."""
    level = len(heading) - len(heading.lstrip("#"))
    begin = text.index(f"\n{heading}\n") + len(heading) + 2
    end = re.compile(rf"^#{{1,{level}}} ", re.MULTILINE).search(text, begin)
    return text[begin : end.start() if end else len(text)]


def rows(text: str) -> list[list[str]]:
    """The cells of every table row, heads left out."""
    lines = [line for line in prose(text).splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    cells = [[cell.strip("| ") for cell in row] for row in cells]
    rules = [i for i, line in enumerate(lines) if re.fullmatch(r"[|\s-]+", line)]
    return [row for i, row in enumerate(cells) if i not in rules and i + 1 not in rules]


def first_names(text: str) -> set[str]:
    """What stands as `code` in the first cell of the rows."""
    return {name for row in rows(text) for name in _CODE.findall(row[0])}


def prose(text: str) -> str:
    """Without fenced blocks."""
    return _FENCED.sub("", text)


def codes(text: str) -> list[str]:
    """What stands as `code` outside fenced blocks."""
    return _CODE.findall(prose(text))
