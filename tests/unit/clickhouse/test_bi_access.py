"""The login of a BI tool: what is said to a server, and in which order."""

import hashlib

import pytest

from shopstream.clickhouse.bi_access import SHOPLESS, name, sources, statements, text

SALT = "5a17"
GUARDED = [source for source in sources() if source not in SHOPLESS]


def made(*shops: str, user: str = "ann", password: str = "a secret of hers") -> list[str]:
    return list(statements(user, password, SALT, shops))


def test_every_table_below_the_views_is_known() -> None:
    assert sources() == [
        "alerts",
        "levels",
        "orders",
        "payments",
        "present_names",
        "product_15m",
        "product_names",
        "purchases",
        "sales_15m",
        "shops",
        "suppliers",
        "zone_offsets",
    ]


def test_the_text_holds_a_hash_and_no_password() -> None:
    said = "\n".join(made("s-1"))
    assert "a secret of hers" not in said
    assert hashlib.sha256(b"a secret of hers" + SALT.encode()).hexdigest() in said


@pytest.mark.parametrize("table", GUARDED)
def test_every_table_with_shops_lets_others_through_before_it_keeps_anybody_out(table: str) -> None:
    policies = [
        line for line in made("s-1") if f" ON shopstream.{table} " in line and "POLICY" in line
    ]
    assert [line.partition(" USING ")[2] for line in policies] == [
        "1 TO ALL EXCEPT `shopstream_bi`",
        "0 TO `shopstream_bi`",
        "shop_id = 's-1' TO `shopstream_bi: s-1`",
    ]


def test_what_may_be_read_is_granted_after_the_policies() -> None:
    said = made("s-1")
    grants = [line for line in said if line.startswith("GRANT SELECT")]
    assert grants == [
        "GRANT SELECT ON shopstream_bi.* TO `shopstream_bi`",
        *(f"GRANT SELECT ON shopstream.{source} TO `shopstream_bi`" for source in sources()),
    ]
    none = max(n for n, line in enumerate(said) if "USING 0" in line)
    assert none < said.index(grants[0])


def test_a_user_has_the_roles_of_these_shops() -> None:
    assert made("s-1", "s-2")[-1] == (
        "GRANT `shopstream_bi`, `shopstream_bi: s-1`, `shopstream_bi: s-2` TO `ann`"
    )


def test_names_cannot_end_a_statement() -> None:
    said = made("it's `x` \\", user="o`neil; DROP")
    assert "shop_id = 'it\\'s `x` \\\\'" in "\n".join(said)
    assert said[-1].endswith("TO `o\\`neil; DROP`")
    assert name("a`b") == "`a\\`b`"
    assert text("a'b") == "'a\\'b'"
