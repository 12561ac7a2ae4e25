"""Logins for BI tools on a ClickHouse server: who reads the views, and of which shops.

One role may read the views; a role for each shop lets its rows through. So a user is granted shops by roles, and
`GRANT` and `REVOKE` do the rest. The views read the tables with the rights of who made them (`SQL SECURITY DEFINER`),
so nobody else needs any right on a table.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence

from clickhouse import sql

ROLE = "shopstream_bi"
NOT_ALLOWED = frozenset({497, 514})
"""What the engine answers a login that may create no users, and where it keeps users in a file only."""
TAKEN = """
SELECT name
FROM system.users
WHERE name = {user:String}
    AND name NOT IN (SELECT user_name FROM system.role_grants WHERE granted_role_name = {role:String})
"""
"""A user of that name who is there for something else."""


def views() -> list[str]:
    found = (
        re.search(r"CREATE OR REPLACE VIEW shopstream_bi\.(\w+)", sql.load(p))
        for p in sql.names("bi")
    )
    return sorted({match[1] for match in found if match})


def statements(user: str, password: str, salt: str, shops: Sequence[str]) -> Iterator[str]:
    """In this order nobody ever sees more than is meant, and the pipeline's login never less.

    The text holds a salted hash, never the password. All may be repeated; the user is then made anew, with these shops.
    """
    role = name(ROLE)
    yield f"CREATE ROLE IF NOT EXISTS {role} SETTINGS readonly = 2"
    for view in views():
        yield _policy("shopstream_others", view, "1", f"ALL EXCEPT {role}")
        yield _policy("shopstream_bi", view, "0", role)
    # a view of a later version has no policy yet: nobody reads it before this has run again
    yield f"REVOKE SELECT ON shopstream_bi.* FROM {role}"
    for view in views():
        yield f"GRANT SELECT ON shopstream_bi.{view} TO {role}"
    for shop in shops:
        yield f"CREATE ROLE IF NOT EXISTS {name(role_of(shop))}"
        for view in views():
            yield _policy(role_of(shop), view, f"shop_id = {text(shop)}", name(role_of(shop)))
    digest = hashlib.sha256((password + salt).encode()).hexdigest()
    yield (
        f"CREATE USER OR REPLACE {name(user)} IDENTIFIED WITH sha256_hash BY '{digest}' SALT '{salt}'"
        " DEFAULT DATABASE shopstream_bi"
    )
    granted = ", ".join([role, *(name(role_of(shop)) for shop in shops)])
    yield f"GRANT {granted} TO {name(user)}"


def role_of(shop: str) -> str:
    """The role that lets a shop's rows through."""
    return f"{ROLE}: {shop}"


def _policy(policy: str, view: str, condition: str, to: str) -> str:
    return (
        f"CREATE ROW POLICY IF NOT EXISTS {name(policy)} ON shopstream_bi.{view}"
        f" FOR SELECT USING {condition} TO {to}"
    )


def name(value: str) -> str:
    """A quoted identifier."""
    return "`" + value.replace("\\", "\\\\").replace("`", "\\`") + "`"


def text(value: str) -> str:
    """A quoted string."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
