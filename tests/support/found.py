"""What the engine has, in the form in which the oracle says what it must have."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from clickhouse.sql import load
from clickhouse.windows import GRAINS, WINDOWS
from oracle.reading import EPOCH, Place
from oracle.tables import Rows, Sums, Tables
from support.sql import Sql

ASKED_AT_ONCE = 200
"""Products in one statement: they travel in its URL."""

SUMS = {
    "payments_15m": (
        3,
        "shop_id, toString(slot), currency,"
        " sum(received), sum(received_amount), sum(failed), sum(failed_amount)",
    ),
    "on_order": (2, "shop_id, product_id, sum(units)"),
    "sessions_15m": (3, "shop_id, toString(slot), toString(gap), sum(visits)"),
}
"""Windows that are tables of their own."""
ORDER_COLUMNS = {
    "slot": "toString(start)",
    "day": "toString(toDate(start))",
    "month": "toString(toDate(start))",
    "items": "sum(quantity)",
    **{name: f"sum({name})" for name in ("orders", "quantity", "revenue")},
}
"""How a key or sum of a window of orders is read from their table, where it is not as it is called."""
FILLED = (
    "SELECT DISTINCT table FROM system.parts WHERE database = 'shopstream' AND active AND rows > 0"
)


def _time(value: str | None) -> datetime | None:
    return None if value is None else EPOCH + timedelta(microseconds=int(value))


def _place(value: str) -> Place:
    version = int(value)
    return Place(version >> 64, version >> 32 & 0xFFFFFFFF, version & 0xFFFFFFFF)


def _age(value: str) -> Place:
    """A version upside down."""
    return _place(str(~int(value) & (1 << 128) - 1))


def _items(value: list[list[Any]]) -> tuple[tuple[str, Decimal, Decimal], ...]:
    return tuple((product, Decimal(count), Decimal(cost)) for product, count, cost in value)


def _some_money(value: str | None) -> Decimal | None:
    return None if value is None else Decimal(value)


def _lines(value: list[list[Any]]) -> tuple[Any, ...]:
    """Product and kind, four amounts, three texts."""
    return tuple((*line[:2], *map(_some_money, line[2:6]), *line[6:]) for line in value)


def _refunds(value: list[list[Any]]) -> tuple[Any, ...]:
    return tuple((name, Decimal(amount), _time(at)) for name, amount, at in value)


_LINES = (
    "product_id",
    "kind",
    "total",
    "refunded_total",
    "discount",
    "tax",
    "unit",
    "variant_id",
    "category",
)


MICROS = "toUnixTimestamp64Micro({})"
KINDS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "": ("{}", lambda value: value),
    "whole": ("{}", lambda value: None if value is None else int(value)),
    "money": ("{}", Decimal),
    "money?": ("{}", _some_money),
    "lines": (f"arrayZip({', '.join(f'`{{0}}.{name}`' for name in _LINES)})", _lines),
    "refunds": (
        "arrayMap((i, a, t) -> (i, a, toUnixTimestamp64Micro(t)), `{0}.id`, `{0}.amount`, `{0}.at`)",
        _refunds,
    ),
    "time": (MICROS, _time),
    "place": ("toString({})", _place),
    "age": ("toString({})", _age),
    "items": ("arrayZip(`{0}.product_id`, `{0}.quantity`, `{0}.cost`)", _items),
}
"""How a column of a kind is asked for, and how it is read."""
FIRST = "(SELECT shop_id, min(first) AS f FROM first_orders GROUP BY shop_id)"
PLACES = """(
    SELECT any(shops.shop_id) AS shop_id, shop_key, order_key,
        min(created_at) AS earliest, max(created_at) AS latest
    FROM order_places
    LEFT JOIN (SELECT DISTINCT shop_id, shop_key FROM orders) AS shops USING (shop_key)
    GROUP BY shop_key, order_key
)"""
ROWS = {
    "orders": (
        "orders FINAL",
        (2, "shop_id, order_id"),
        "version:place created_at:time status counted currency customer_id total:money refund:money"
        " placed_at:time tax:money? shipping:money? discount:money? tip:money? items:lines refunds:refunds",
    ),
    "levels": (
        "levels FINAL",
        (3, "shop_id, product_id, location_id"),
        "version:place quantity:money updated_at:time name sku threshold:whole unit low",
    ),
    "payments": (
        "payments FINAL",
        (2, "shop_id, payment_id"),
        "version:place received amount:money currency at:time order_id method reason",
    ),
    "purchases": (
        "purchases FINAL",
        (3, "shop_id, purchase_id, if(received, 'received', 'created')"),
        "age:age supplier_id at:time expected_at:time items:items",
    ),
    "suppliers": (
        "suppliers FINAL",
        (2, "shop_id, supplier_id"),
        "version:place name lead_time_days:whole email updated_at:time",
    ),
    "shops": (
        "shops FINAL",
        (1, "shop_id"),
        "version:place name timezone currency low_stock_threshold:whole updated_at:time",
    ),
    "first_orders": (FIRST, (1, "shop_id"), "f.1:time f.2 f.3:age f.4"),
    "order_places": (
        PLACES,
        (3, "shop_id, toString(shop_key), toString(order_key)"),
        "earliest:time latest:time",
    ),
}
"""Where it lies, the number of key columns and what they are, the other columns with their kinds."""


def inserted(table: str, values: str) -> str:
    """The statement that writes a row, its `values` in brackets; of a window in the order of its keys and sums."""
    window = WINDOWS.get(table)
    if window is None:
        return f"INSERT INTO {table} VALUES {values}"
    own = {*window.keys, *window.sums}
    columns = [name for name, value in window.columns().items() if value in own]
    if window.table != table:
        columns, values = ["grain", *columns], f"('{table}', {values.removeprefix('(')}"
    return f"INSERT INTO {window.table} ({', '.join(columns)}) VALUES {values}"


def read_tables(sql: Sql, chosen: set[str] | None = None) -> Tables:
    """As they are in the engine, but for the names of products."""
    where = "" if chosen is None else f"WHERE shop_id IN ({', '.join(map(_quote, sorted(chosen)))})"
    # the rows of no shop are commit markers
    shown = where or "WHERE shop_id != ''"
    # most tests fill a few of them, and each statement has its price
    filled = {table for (table,) in sql.rows(FILLED)}
    sums: dict[str, Sums] = {name: {} for name in SUMS} | _order_windows(sql, shown)
    for name in SUMS.keys() & filled:
        keys, columns = SUMS[name]
        by = ", ".join(str(n) for n in range(1, keys + 1))
        sums[name] = sql.sums(f"SELECT {columns} FROM {name} {shown} GROUP BY {by}", keys)
    sums = {
        name: {key: numbers for key, numbers in rows.items() if any(numbers)}
        for name, rows in sums.items()
    }
    rows = {name: _rows(sql, name, where) if name in filled else {} for name in ROWS}
    rows["visits"] = _visits(sql, where) if "visits" in filled else {}
    rows["alerts"] = _alerts(sql, where) if "alerts" in filled else {}
    return Tables(sums, rows, {})


def _order_windows(sql: Sql, where: str) -> dict[str, Sums]:
    """All of them by one statement, as each is in its own grain of one table."""
    windows = [WINDOWS[name] for name in GRAINS]
    names = sorted({name for window in windows for name in (*window.keys, *window.sums)})
    asked = ", ".join(f"{ORDER_COLUMNS.get(name, name)} AS `.{name}`" for name in names)
    found: dict[str, Sums] = {window.name: {} for window in windows}
    for grain, *row in sql.rows(
        f"SELECT grain, {asked} FROM order_windows {where}"
        " GROUP BY grain, shop_id, start, currency, product_id"
    ):
        cells, window = dict(zip(names, row, strict=True)), WINDOWS[grain]
        key = tuple(cells[name] for name in window.keys)
        numbers = tuple(Decimal(cells[name]) for name in window.sums)
        assert key not in found[grain], f"{grain} has a product that is no key of it: {cells}"
        found[grain][key] = numbers
    return found


def _rows(sql: Sql, name: str, where: str) -> Rows:
    source, (count, keys), columns = ROWS[name]
    pairs = [column.partition(":")[::2] for column in columns.split()]
    asked = ", ".join(KINDS[kind][0].format(column) for column, kind in pairs)
    readers = [KINDS[kind][1] for _, kind in pairs]
    return {
        tuple(row[:count]): tuple(
            read(cell) for read, cell in zip(readers, row[count:], strict=True)
        )
        for row in sql.rows(f"SELECT {keys}, {asked} FROM {source} {where}")
    }


def _visits(sql: Sql, where: str) -> Rows:
    """Each quarter as often as it is stored, which must be once."""
    rows = sql.rows(
        "SELECT shop_id, session_id, arraySort(groupArrayArray(arrayMap(s -> toUnixTimestamp(s), slots)))"
        f" FROM visits {where} GROUP BY shop_id, session_id"
    )
    return {(shop, session): tuple(map(int, slots)) for shop, session, slots in rows}


def _alerts(sql: Sql, where: str) -> Rows:
    rows = sql.rows(
        f"SELECT shop_id, product_id, location_id, {MICROS.format('at')}, low, quantity, threshold,"
        f" ifNull(sku, '') FROM alerts FINAL {where}"
    )
    told = defaultdict(list)
    for shop, product, location, at, low, quantity, threshold, sku in rows:
        alert = (_time(at), low, Decimal(quantity), int(threshold), sku)
        told[shop, product, location].append(alert)
    return {key: tuple(sorted(alerts)) for key, alerts in told.items()}


def stored_names(sql: Sql, products: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """The names that a report would show: by the product's own statements, which are under test here."""
    wanted: dict[str, list[str]] = {}
    named = {shop for (shop,) in sql.rows("SELECT DISTINCT shop_id FROM product_names")}
    for shop, product in sorted(products):
        if shop in named:  # of the others the statements, which begin with that table, say nothing
            wanted.setdefault(shop, []).append(product)
    found = {}
    for shop, ids in wanted.items():
        for start in range(0, len(ids), ASKED_AT_ONCE):
            for row in _names(sql, shop, ids[start : start + ASKED_AT_ONCE]):
                found[shop, row["product_id"]] = row["name"]
    return found


def _names(sql: Sql, shop: str, products: list[str]) -> Iterable[dict[str, Any]]:
    rows = sql.as_dicts(_statement("product_names"), _bound(shop, products))
    gone = [row["product_id"] for row in rows if row["gone"]]
    yield from (row for row in rows if not row["gone"] and row["name"] is not None)
    if gone:
        yield from sql.as_dicts(_statement("product_names_again"), _bound(shop, gone))


WANTED = "WITH wanted AS (SELECT arrayJoin({products:Array(String)}) AS product_id)"


def _statement(name: str) -> str:
    """With the products as a parameter where the product sends them as a table."""
    text = load(f"reports/{name}.sql")
    if "\nWITH" in text:
        return text.replace("\nWITH", f"\n{WANTED},", 1)
    return f"{WANTED} {text}"


def _bound(shop: str, products: list[str]) -> dict[str, str]:
    listed = ",".join(f"'{_escaped(product)}'" for product in products)
    return {"param_shop": _escaped(shop), "param_products": f"[{listed}]"}


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'").replace("\t", "\\t").replace("\n", "\\n")


def _quote(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
