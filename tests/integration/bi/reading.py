"""The views as they are, in the form of `expected`."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from expected import KEYS, Rows

from oracle.difference import differences, listed
from support.sql import Sql

ORDERED = {"alerts": ("shop_id", "product_id", "location_id", "at", "type", "quantity")}
"""Keys that are not the first columns."""
LEFT_OUT = {"id"}


def view(sql: Sql, name: str, shops: set[str], settings: Mapping[str, str] | None = None) -> Rows:
    """Rows of these shops by key; a key that comes twice fails."""
    chosen = ", ".join(f"'{shop}'" for shop in sorted(shops))
    asked = f"SELECT * FROM shopstream_bi.{name} WHERE shop_id IN ({chosen})"
    types = _types(sql, name)
    found: Rows = {}
    for row in sql.as_dicts(asked, settings or {}):
        values = {column: _read(types[column], value) for column, value in row.items()}
        keys = ORDERED.get(name) or tuple(values)[: KEYS[name]]
        key = tuple(values.pop(column) for column in keys)
        assert key not in found, f"{name}: {key} is there twice"
        found[key] = {column: value for column, value in values.items() if column not in LEFT_OUT}
    return found


def _types(sql: Sql, name: str) -> dict[str, str]:
    return {row[0]: row[1] for row in sql.rows(f"DESCRIBE TABLE shopstream_bi.{name}")}


def _read(kind: str, value: Any) -> Any:
    if value is None or kind == "Bool":
        return value
    if "Decimal" in kind:
        return Decimal(value)
    if "Int" in kind:
        return int(value)
    if "DateTime64" in kind:
        return datetime.fromisoformat(value).replace(tzinfo=UTC)
    return value


def compare(name: str, wanted: Rows, found: Rows) -> None:
    lines = listed(differences(name, _text(wanted), _text(found)))
    assert not lines, f"{len(lines)} differences:\n" + "\n".join(lines[:10])


def _text(rows: Rows) -> dict[Any, Any]:
    """Keys that can be sorted, columns in one order."""
    return {
        tuple(_plain(part) for part in key): tuple(sorted(row.items())) for key, row in rows.items()
    }


def _plain(part: Any) -> str:
    return f"{part.normalize():f}" if isinstance(part, Decimal) else str(part)
