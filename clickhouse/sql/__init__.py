"""The statements: one a file."""

import re
from functools import cache
from importlib.resources import files

_INCLUDE = re.compile(r"\{\{(\w+)\|?(.*?)\}\}(?!\})")
_COMMENT = re.compile(r"^--.*\n", re.MULTILINE)


@cache
def load(name: str) -> str:
    """The text of a statement, such as `reports/profile.sql`.

    `{{tie|event}}` in it is `fragments/tie.sql` with `event` in place of `$1`. Migrations have none: their
    fingerprint is that of their text.
    """
    return _INCLUDE.sub(_fragment, _read(name))


@cache
def uncommented(name: str) -> str:
    """The same without comment lines: the driver looks at every character of a statement each time it sends it."""
    return _COMMENT.sub("", load(name))


def _fragment(found: re.Match[str]) -> str:
    text = _COMMENT.sub("", _read(f"fragments/{found[1]}.sql")).rstrip()
    for number, value in enumerate(found[2].split("|"), 1):
        text = text.replace(f"${number}", value)
    return _INCLUDE.sub(_fragment, text)


def _read(name: str) -> str:
    return files(__name__).joinpath(name).read_text(encoding="utf-8")


def names(folder: str) -> list[str]:
    """The files of a folder, sorted."""
    found = (entry.name for entry in files(__name__).joinpath(folder).iterdir())
    return sorted(f"{folder}/{name}" for name in found if name.endswith(".sql"))


def fill(text: str, **parts: str) -> str:
    """The statement with `{part}` replaced: names and statements of ours, never a value of an event."""
    for part, value in parts.items():
        text = text.replace(f"{{{part}}}", value)
    return text


def load_all() -> None:
    """Reads every file now: later this process may have no file left to open."""
    for folder in files(__name__).iterdir():
        if folder.is_dir():
            for name in names(folder.name):
                load(name)
