"""Names of products: maxima that are stored, or read again from the orders where a name was taken back."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from shopstream.clickhouse.client import Row

Names = dict[str, str | None]
PREFETCHED = 16
"""Products whose names are asked for, once the numbers have changed, before it is known that they are wanted."""
REMEMBERED = 1000
"""Products of a shop, and shops, whose names are kept; beyond it all of them are asked for anew."""


class Rows(Protocol):
    """Where rows come from."""

    async def __call__(self, name: str, params: dict[str, object]) -> list[Row]: ...


@dataclass(slots=True)
class _Shop:
    version: int | None
    rows: dict[str, Row]


class NameBook:
    """Names that were read and still hold: `version` changes with everything that may change one."""

    def __init__(self, rows: Rows, version: Callable[[], int | None]) -> None:
        self._rows = rows
        self._version = version
        self._shops: OrderedDict[str, _Shop] = OrderedDict()

    async def known(self, shop: str) -> dict[str, Row]:
        """Rows of `product_names.sql` by product: those that hold, or a new reading of the last wanted."""
        version, entry = self._version(), self._shops.get(shop)
        if entry is not None and version is not None and entry.version == version:
            return entry.rows
        wanted = list(entry.rows)[-PREFETCHED:] if entry else []
        fresh = _Shop(version, await self._read(shop, wanted))
        self._shops[shop] = fresh
        self._shops.move_to_end(shop)
        if len(self._shops) > REMEMBERED:
            self._shops.popitem(last=False)
        return fresh.rows

    async def of(self, shop: str, products: Sequence[str], known: dict[str, Row]) -> Names:
        """The name of each product, None where it has none. `known` is what `known` gave before.

        The last statement is rare: only where the version that gave the latest name no longer stands.
        """
        if missing := [one for one in products if one not in known]:
            found = await self._read(shop, missing)
            if len(known) > REMEMBERED:
                self._shops.pop(shop, None)
                known = {**known, **found}
            else:
                known.update(found)
        rows = [known[one] for one in products]
        names: Names = {row["product_id"]: row["name"] for row in rows}
        if gone := [row["product_id"] for row in rows if row["gone"]]:
            again = await self._rows("product_names_again", {"shop": shop, "products": gone})
            names.update(dict.fromkeys(gone))
            names.update((row["product_id"], row["name"]) for row in again)
        return names

    async def _read(self, shop: str, products: Sequence[str]) -> dict[str, Row]:
        if not products:
            return {}
        nameless = {one: {"product_id": one, "name": None, "gone": False} for one in products}
        rows = await self._rows("product_names", {"shop": shop, "products": products})
        return nameless | {row["product_id"]: row for row in rows}
