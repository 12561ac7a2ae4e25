"""The login of a BI tool: what is said to a server, and in which order."""

import hashlib

import pytest

from clickhouse.bi_access import name, statements, text, views

SALT = "5a17"


def made(*shops: str, user: str = "ann", password: str = "a secret of hers") -> list[str]:
    return list(statements(user, password, SALT, shops))


def test_every_view_is_known() -> None:
    assert views() == [
        "alerts",
        "daily_product_sales",
        "daily_sales",
        "order_items",
        "orders",
        "payments",
        "purchases",
        "shops",
        "stock",
        "suppliers",
    ]


def test_the_text_holds_a_hash_and_no_password() -> None:
    said = "\n".join(made("s-1"))
    assert "a secret of hers" not in said
    assert hashlib.sha256(b"a secret of hers" + SALT.encode()).hexdigest() in said


@pytest.mark.parametrize("view", views())
def test_every_view_lets_others_through_before_it_keeps_anybody_out(view: str) -> None:
    policies = [line for line in made("s-1") if f" ON shopstream_bi.{view} FOR SELECT " in line]
    assert [line.partition(" USING ")[2] for line in policies] == [
        "1 TO ALL EXCEPT `shopstream_bi`",
        "0 TO `shopstream_bi`",
        "shop_id = 's-1' TO `shopstream_bi: s-1`",
    ]


def test_the_views_are_granted_after_the_policies_and_no_table_ever() -> None:
    said = made("s-1")
    grants = [line for line in said if line.startswith("GRANT SELECT")]
    assert grants == [
        f"GRANT SELECT ON shopstream_bi.{view} TO `shopstream_bi`" for view in views()
    ]
    none = max(n for n, line in enumerate(said) if "USING 0" in line)
    # of an earlier version: it would show the rows of all shops in a view that comes later
    revoked = said.index("REVOKE SELECT ON shopstream_bi.* FROM `shopstream_bi`")
    assert none < revoked < said.index(grants[0])
    assert [line for line in said if "shopstream." in line] == []


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
