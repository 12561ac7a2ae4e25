"""The statements: one a file."""

from functools import cache
from importlib.resources import files


@cache
def load(name: str) -> str:
    """The text of a statement, such as `reports/profile.sql`."""
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
