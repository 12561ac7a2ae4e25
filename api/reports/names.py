"""Names of products: the latest that is stored, or read again where it was taken back."""

import time
from collections.abc import Callable, Mapping, Sequence, Set
from typing import Any, NamedTuple, Protocol

from api.freshness.source import FreshnessSource
from api.reports.cache import Sized, VersionedCache, WholeShopCache
from clickhouse.client import Row
from shopstream.contracts.notices import NAMES

Names = dict[str, str | None]
BYTES = 32 * 1024 * 1024
"""Of names in memory that are in no catalog."""
NAME_BYTES = 300
"""Of a product in a catalog beside its texts, roughly."""


class Name(NamedTuple):
    """The latest name of a product; `gone` where the version that gave it no longer stands."""

    name: str | None
    gone: bool


NAMELESS = Name(None, False)


class Catalog(NamedTuple):
    """The latest name of each product that ever had one, and the products whose latest name is gone."""

    names: Mapping[str, str]
    gone: Set[str]

    def name(self, product: str) -> Name:
        """`NAMELESS` where it never had one."""
        return Name(self.names.get(product), product in self.gone)


def read_catalog(columns: Sequence[Sequence[Any]]) -> Catalog:
    """From the columns of `all_names.sql`: products, their names as [microseconds, tie, line, name], and what is gone
    as [microseconds, tie]; of each product the greatest counts, without microseconds there is none."""
    products, latest, gone = columns or ((), (), ())
    best: dict[str, list[Any]] = dict(zip(products, latest, strict=True))
    if len(best) < len(products):
        for product, name in zip(products, latest, strict=True):
            if name is not (known := best[product]) and name > known:
                best[product] = name
    taken: dict[str, list[int]] = {}
    for product, version in zip(products, gone, strict=True):
        if version[0]:
            taken[product] = max(version, taken.get(product, version))
    return Catalog(
        {product: name for product, (micros, _, _, name) in best.items() if micros},
        {product for product, version in taken.items() if best[product][:2] == version},
    )


class NameQueries(Protocol):
    """Where rows come from."""

    async def catalog(self, shop: str, /) -> Sequence[Sequence[Any]] | None: ...

    async def names(self, shop: str, products: Sequence[str], /) -> list[Row]: ...

    async def names_again(self, shop: str, products: Sequence[str], /) -> list[Row]: ...


class ProductNames:
    """Reads the names of all products of a shop at once, which costs little more than those of a few, and caches them
    until an order or a level of the shop may have named one otherwise; those of a big shop one by one."""

    def __init__(
        self,
        queries: NameQueries,
        known: FreshnessSource,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._queries = queries
        self._single: VersionedCache[str, Name] = VersionedCache(known, NAMES, clock, limit=BYTES)
        self._catalogs: WholeShopCache[Catalog] = WholeShopCache(self._catalog, known, NAMES, clock)

    async def prefetch(self, shop: str) -> None:
        """Reads the names of all products now, where they are not too many."""
        await self._catalogs.of(shop)

    async def of(self, shop: str, products: Sequence[str], named: Set[str] | None = None) -> Names:
        """The name of each product, None where it has none. One that the shop's catalog lacks is read only where
        `named` has it, or all of them without it.

        Raises:
            EngineUnavailable, EngineError: as the engine.
        """
        found = await self._read(shop, products, named)
        names: Names = {one: found[one].name for one in products}
        # read again, which is rare, where the version that gave the latest name no longer stands
        if gone := [one for one in products if found[one].gone]:
            again = await self._queries.names_again(shop, gone)
            names.update(dict.fromkeys(gone))
            names.update((row["product_id"], row["name"]) for row in again)
        return names

    async def _read(
        self, shop: str, products: Sequence[str], named: Set[str] | None
    ) -> Mapping[str, Name]:
        if not products:
            return {}
        catalog = await self._catalogs.of(shop)
        if catalog is None:
            return await self._one_by_one(shop, products)
        found = {one: catalog.name(one) for one in products}
        # without a name, or new since then
        missing = [
            one for one in products if one not in catalog.names and (named is None or one in named)
        ]
        return found | await self._one_by_one(shop, missing)

    async def _catalog(self, shop: str) -> Sized[Catalog] | None:
        found = await self._queries.catalog(shop)
        if found is None:
            return None
        catalog = read_catalog(found)
        names = catalog.names
        size = NAME_BYTES * len(names) + sum(map(len, names)) + sum(map(len, names.values()))
        return Sized(catalog, size)

    async def _one_by_one(self, shop: str, products: Sequence[str]) -> dict[str, Name]:
        found = await self._single.get(shop, products, self._fetch)
        return dict(zip(products, found, strict=True))

    async def _fetch(self, shop: str, products: Sequence[str]) -> list[Sized[Name]]:
        rows = await self._queries.names(shop, products)
        found = {row["product_id"]: Name(row["name"], bool(row["gone"])) for row in rows}
        return [
            Sized(name, len(product) + len(name.name or ""))
            for product in products
            for name in [found.get(product, NAMELESS)]
        ]
