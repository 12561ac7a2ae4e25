"""Migrations run once, in the order of their numbers, and never change."""

import re

import pytest

from clickhouse import sql
from clickhouse.migrations import (
    FOLDERS,
    Migration,
    MigrationChanged,
    all_migrations,
    pending,
)

ONE = Migration(1, "001_a", "CREATE TABLE a (x Int8) ENGINE = Memory")
TWO = Migration(2, "002_b", "CREATE TABLE b (x Int8) ENGINE = Memory")
FILES = [path for folder in FOLDERS for path in sql.names(folder)]


def test_what_did_not_run_is_pending_in_its_order():
    assert pending([ONE, TWO], {}) == [ONE, TWO]
    assert pending([ONE, TWO], {1: ONE.sha256}) == [TWO]
    assert pending([ONE, TWO], {1: ONE.sha256, 2: TWO.sha256}) == []
    assert pending([], {}) == []


def test_one_that_was_skipped_is_still_pending():
    assert pending([ONE, TWO], {2: TWO.sha256}) == [ONE]


def test_a_migration_of_a_later_release_is_left_alone():
    assert pending([ONE], {1: ONE.sha256, 999: "of a later release"}) == []


def test_a_migration_that_was_changed_after_it_ran_is_named():
    with pytest.raises(MigrationChanged) as caught:
        pending([ONE, TWO], {1: ONE.sha256, 2: ONE.sha256})
    assert str(caught.value) == "migration 002_b was changed after it had run"


def test_comments_and_blanks_may_be_mended():
    mended = "-- why\n  -- and more\nCREATE TABLE a\n  (x Int8)\nENGINE = Memory\n"
    assert Migration(1, "001_a", mended).sha256 == ONE.sha256
    assert Migration(1, "001_a", mended.replace("Int8", "Int16")).sha256 != ONE.sha256


def test_all_migrations_are_sorted_by_number():
    numbers = [migration.number for migration in all_migrations()]
    assert numbers == sorted(numbers)
    assert len(numbers) == len(FILES)


def test_every_number_is_used_once():
    numbers = [migration.number for migration in all_migrations()]
    assert len(numbers) == len(set(numbers))


@pytest.mark.parametrize("path", FILES)
def test_a_file_is_named_by_three_digits_and_what_it_makes(path):
    match = re.fullmatch(r"[a-z]+/(\d{3})_([a-z0-9_]+)\.sql", path)
    assert match
    made = re.search(
        r"CREATE (?:TABLE|VIEW|MATERIALIZED VIEW|OR REPLACE VIEW)(?: IF NOT EXISTS)? (?:shopstream_bi\.)?(\w+)",
        sql.load(path),
    )
    assert made is None or made[1] == match[2]


def test_a_view_for_bi_is_made_by_its_latest_file_alone():
    """`CREATE OR REPLACE` needs nothing of the view before: a file that a later one supersedes is deleted."""
    files = (path for path in FILES if "REPLACE VIEW shopstream_bi." in sql.load(path))
    made = [path.partition("_")[2] for path in files]
    assert len(made) == len(set(made)) == 10


@pytest.mark.parametrize("path", FILES)
def test_a_migration_may_be_repeated_and_is_one_statement(path):
    text = re.sub(r"^\s*--.*$", "", sql.load(path), flags=re.MULTILINE)
    assert ";" not in text
    assert "CREATE" not in text or "IF NOT EXISTS" in text or "OR REPLACE" in text


@pytest.mark.parametrize("path", [path for path in FILES if "CREATE TABLE" in sql.load(path)])
def test_a_table_begins_with_why_it_is_as_it_is(path):
    first = sql.load(path).splitlines()[0]
    assert first.startswith("-- ")
    assert len(first) > 20
