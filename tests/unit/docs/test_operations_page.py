"""docs/operations.md names every command, flag, setting, topic and metric, and no other."""

import re
from pathlib import Path
from typing import Any

import click
import pytest
import typer
from doc_pages import ROOT, first_names, read, rows, section
from pydantic import SecretStr

from shopstream.cli.bi_user import PASSWORD
from shopstream.cli.main import app
from shopstream.contracts.topics import BY_NAME, DAY_MS
from shopstream.settings import PREFIX, Settings

PAGE = read("docs/operations.md")


def commands(group: Any, prefix: str = "") -> dict[str, click.Command]:
    """By the words that are typed; a group is its commands."""
    found: dict[str, click.Command] = {}
    for name, command in group.commands.items():
        inside = hasattr(command, "commands")
        found |= commands(command, f"{prefix}{name} ") if inside else {prefix + name: command}
    return found


COMMANDS = commands(typer.main.get_command(app))


def heading(command: str) -> str:
    found = re.search(rf"^### `shopstream {command}( [A-Z]+)*`$", PAGE, re.MULTILINE)
    assert found, f"no heading for shopstream {command}"
    return found.group()


def documented_default(value: Any) -> str:
    if isinstance(value, SecretStr):
        return f"`{value.get_secret_value()}`"
    if value is None:
        return "not set"
    if isinstance(value, Path) and value.is_relative_to(Path.home()):
        return f"`~/{value.relative_to(Path.home())}`"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return "none" if value == () else f"`{value}`"


def test_every_setting_is_listed_with_its_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    listed = {row[0].strip("`"): row[1] for row in rows(section(PAGE, "## Settings"))}
    assert listed == {
        about.validation_alias or PREFIX + name.upper(): documented_default(
            about.get_default(call_default_factory=True)
        )
        for name, about in Settings.model_fields.items()
    }


def test_every_command_has_a_heading_and_there_are_no_others() -> None:
    headed = re.findall(r"^### `shopstream ([a-z ]+[a-z])", PAGE, re.MULTILINE)
    assert sorted(headed) == sorted(COMMANDS)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_flag_is_listed_under_its_command(name: str) -> None:
    flags = {
        option
        for parameter in COMMANDS[name].params
        if parameter.param_type_name == "option"
        for option in parameter.opts
    }
    listed = first_names(section(PAGE, heading(name)))
    assert {each for each in listed if each.startswith("--")} == flags - {"--help"}


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_the_default_of_every_flag_is_told(name: str) -> None:
    cells = {row[0].strip("`"): row[1] for row in rows(section(PAGE, heading(name)))}
    for parameter in COMMANDS[name].params:
        default = parameter.default
        if parameter.param_type_name == "option" and isinstance(default, int | str | Path):
            wanted = "off" if default is False else str(default)
            assert cells[parameter.opts[0]].strip("`") == wanted


def test_arguments_stand_in_the_heading() -> None:
    for name, command in COMMANDS.items():
        arguments = [p.name for p in command.params if p.param_type_name == "argument"]
        words = heading(name).strip("`# ").split()[1 + len(name.split()) :]
        assert words == [str(argument).upper() for argument in arguments]


def test_every_topic_is_listed_with_its_partitions_and_retention() -> None:
    listed = {row[0].strip("`"): row[1:3] for row in rows(section(PAGE, "## Topics"))}
    assert listed == {
        name: [
            str(topic.partitions or f"`{PREFIX}KAFKA_PARTITIONS`"),
            days(int(topic.config["retention.ms"])),
        ]
        for name, topic in BY_NAME.items()
    }


def days(milliseconds: int) -> str:
    number = milliseconds // DAY_MS
    return f"{number} day{'s' if number > 1 else ''}"


@pytest.mark.parametrize("process", ["api", "pipeline"])
def test_every_metric_is_listed(process: str) -> None:
    source = (ROOT / process / "metrics.py").read_text()
    names = re.findall(r'"(shopstream_\w+)"', source)
    listed = first_names(section(PAGE, "## Health, readiness, metrics"))
    assert names
    assert [name for name in names if not {name, f"{name}_total"} & listed] == []


def test_no_metric_is_listed_that_does_not_exist() -> None:
    source = "".join(path.read_text() for path in ROOT.glob("*/metrics.py"))
    for name in first_names(section(PAGE, "## Health, readiness, metrics")):
        if name.startswith("shopstream_"):
            assert f'"{name.removesuffix("_total")}"' in source


def test_every_variable_that_is_named_exists() -> None:
    known = {PREFIX + name.upper() for name in Settings.model_fields} | {PASSWORD}
    known.add("SHOPSTREAM_FULL")  # of the tests
    pages = [ROOT / "README.md", *ROOT.glob("docs/**/*.md")]
    named = {name for page in pages for name in re.findall(rf"{PREFIX}[A-Z_]+", page.read_text())}
    assert named <= known


def test_every_command_that_a_page_shows_exists() -> None:
    words = {name.split()[0] for name in COMMANDS} | {"rebuild"}
    for page in (ROOT / "README.md", *ROOT.glob("docs/**/*.md")):
        shown = re.findall(r"(?:\.venv/bin/|`)shopstream ([a-z]+)", page.read_text())
        assert set(shown) <= words


def test_every_flag_that_the_readme_shows_exists() -> None:
    for typed in re.findall(r"shopstream ([a-z]+[^`\n|)]*)", read("README.md")):
        command = next(command for name, command in COMMANDS.items() if typed.startswith(name))
        known = {option for parameter in command.params for option in parameter.opts}
        assert set(re.findall(r"--[a-z-]+", typed)) <= known


def test_every_script_that_the_readme_names_exists() -> None:
    named = set(re.findall(r"\b(?:scripts|bench)/\w+\b(?!\.)", read("README.md")))
    assert {"scripts/run", "scripts/test"} <= named
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


def test_a_restore_resets_every_topic_of_the_group() -> None:
    """ClickHouse holds rows of all of them, so a topic that is left out would be missing what came after the backup."""
    part = section(PAGE, "### A deployment")
    (command,) = re.findall(r"kafka-consumer-groups\.sh [^`]*?--execute", part, re.DOTALL)
    assert "--all-topics" in command and "--topic " not in command
    assert "groups delete -g shopstream" in section(PAGE, "### ClickHouse alone, while `up` runs")


def test_what_up_takes_is_what_was_measured() -> None:
    text = read("bench/results/servers.txt")
    measured = re.findall(r"^(?:MiB|CPU) at rest.*: (\w+) +([\d.]+)$", text, re.MULTILINE)
    table = rows(section(PAGE, "## Limits of `up`"))
    told = [float(cell.split()[0]) for row in table for cell in row[1:]]
    wanted = [float(figure) for name, figure in measured if name != "all"]
    count = len(wanted) // 2
    pairs = zip(wanted[:count], wanted[count:], strict=True)
    assert told == [value for mib, cpu in pairs for value in (mib, cpu if cpu > 0.1 else 0)]
