"""What several statements share is one fragment, and every statement is whole once it is loaded."""

import re

import pytest

from clickhouse.migrations import FOLDERS
from clickhouse.sql import load, names

STATEMENTS = (
    "alerts",
    "apply",
    "audit",
    "changed",
    "changed_keys",
    "expected",
    "flush",
    "store",
    "verify",
)


@pytest.mark.parametrize("path", [path for folder in STATEMENTS for path in names(folder)])
def test_a_loaded_statement_has_no_fragment_left_to_include(path: str) -> None:
    assert not re.search(r"\{\{|\}\}(?!\))|\$\d", load(path))


def test_a_fragment_takes_arguments_and_includes_others() -> None:
    assert "reinterpretAsUInt64(substring(SHA256({shop:String}), 1, 8))" in load(
        "expected/sales_15m.sql"
    )
    assert load("expected/product_day.sql").startswith(
        "SELECT\n    shop_id,\n    toDate(placed_at) AS day,"
    )
    assert "bitShiftLeft(toUInt128(toUnixTimestamp64Micro(at)), 32), toUInt128(0))" in load(
        "store/payments.sql"
    )
    assert "toUInt128(bitAnd(bitShiftRight(reinterpretAsUInt64(reverse(substring(" in load(
        "store/purchases.sql"
    )


def test_migrations_include_nothing_since_their_text_is_their_fingerprint() -> None:
    for folder in FOLDERS:
        for path in names(folder):
            assert "{{" not in load(path)
            assert not re.search(r"\$\d", load(path))
