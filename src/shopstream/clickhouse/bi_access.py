"""Logins for BI tools on a ClickHouse server: who reads the views, and of which shops.

One role may read; a role for each shop lets its rows through. So a user is granted shops by roles, and
`GRANT` and `REVOKE` do the rest. Policies lie on the tables below the views, where nobody gets around them.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence

from shopstream.clickhouse import sql

ROLE = "shopstream_bi"
SHOPLESS = {"zone_offsets", "present_names"}
"""Read by the views, but rows of no shop, or a view itself."""
NOT_ALLOWED = 497
"""What the engine answers a login that may create no users; the embedded engine has none at all."""
TAKEN = """
SELECT name
FROM system.users
WHERE name = {user:String}
    AND name NOT IN (SELECT user_name FROM system.role_grants WHERE granted_role_name = {role:String})
"""
"""A user of that name who is there for something else."""


def sources() -> list[str]:
    """The tables and views of database `shopstream` that the views read."""
    found: set[str] = set()
    for path in sql.names("bi"):
        if "CREATE OR REPLACE VIEW" in sql.load(path):
            found |= set(re.findall(r"\b(?:FROM|JOIN) shopstream\.(\w+)", sql.load(path)))
    return sorted(found)


def statements(user: str, password: str, salt: str, shops: Sequence[str]) -> Iterator[str]:
    """In this order nobody ever sees more than is meant, and the pipeline's login never less.

    The text holds a salted hash, never the password. All may be repeated; the user is then made anew, with these shops.
    """
    role = name(ROLE)
    guarded = [table for table in sources() if table not in SHOPLESS]
    yield f"CREATE ROLE IF NOT EXISTS {role} SETTINGS readonly = 2"
    for table in guarded:
        yield _policy("shopstream_others", table, "1", f"ALL EXCEPT {role}")
        yield _policy("shopstream_bi", table, "0", role)
    yield f"GRANT SELECT ON shopstream_bi.* TO {role}"
    yield from (f"GRANT SELECT ON shopstream.{source} TO {role}" for source in sources())
    for shop in shops:
        yield f"CREATE ROLE IF NOT EXISTS {name(role_of(shop))}"
        for table in guarded:
            yield _policy(role_of(shop), table, f"shop_id = {text(shop)}", name(role_of(shop)))
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


def _policy(policy: str, table: str, condition: str, to: str) -> str:
    return (
        f"CREATE ROW POLICY IF NOT EXISTS {name(policy)} ON shopstream.{table}"
        f" FOR SELECT USING {condition} TO {to}"
    )


def name(value: str) -> str:
    """A quoted identifier."""
    return "`" + value.replace("\\", "\\\\").replace("`", "\\`") + "`"


def text(value: str) -> str:
    """A quoted string."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
