"""Names of products: maxima that are stored, or read again where the name was taken back."""

from collections.abc import Callable, Hashable, Mapping, Sequence, Set
from time import monotonic
from typing import NamedTuple, Protocol

from api.freshness.standing import Standing
from api.reports.kept import LONGEST_SECONDS, UNHEARD_SECONDS
from api.reports.lately import Lately
from api.reports.parts import Sized
from api.reports.shop_cache import ShopCache
from clickhouse.client import Row

Names = dict[str, str | None]
PRODUCTS = 20_000
"""That are in no catalog, and are remembered."""
NAME_BYTES = 300
"""Of a product in a catalog beside its texts, roughly."""


class Name(NamedTuple):
    """The latest name of a product; `gone` where the version that gave it no longer stands."""

    name: str | None
    gone: bool


NAMELESS = Name(None, False)
Catalog = Mapping[str, Name]


class Ask(Protocol):
    """Where rows come from."""

    async def catalog(self, shop: str, /) -> Sequence[tuple[str, str, bool]] | None: ...

    async def names(self, shop: str, products: Sequence[str], /) -> list[Row]: ...

    async def names_again(self, shop: str, products: Sequence[str], /) -> list[Row]: ...


class _Known(NamedTuple):
    """`version` as of `Standing`, before the row was asked for."""

    version: int
    until: float
    name: Name


class NameBook:
    """Reads the names of all products of a shop at once, which costs little more than those of a few, and
    remembers them until anything more of the shop is in the reports; those of a big shop one by one.

    It remembers too which products each question wanted last: they are asked for beforehand.
    """

    def __init__(
        self,
        ask: Ask,
        standing: Callable[[str], Standing],
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._ask = ask
        self._standing = standing
        self._clock = clock
        self._wanted: Lately[Hashable, Sequence[str]] = Lately()
        self._known: Lately[tuple[str, str], _Known] = Lately(PRODUCTS)
        self._catalogs: ShopCache[Catalog] = ShopCache(self._catalog, standing, clock)

    async def expected(self, shop: str, question: Hashable) -> Catalog:
        """Of those products that the question wanted last."""
        return await self._read(shop, self._wanted.get((shop, question)) or ())

    async def of(
        self, shop: str, question: Hashable, products: Sequence[str], known: Catalog
    ) -> Names:
        """The name of each product, None where it has none; `known` is what was read beforehand."""
        self._wanted.put((shop, question), products)
        missing = [one for one in products if one not in known]
        return await self._settle(shop, products, {**known, **await self._read(shop, missing)})

    async def read(self, shop: str, products: Sequence[str], named: Set[str]) -> Names:
        """The same without a question. One that the shop's catalog lacks is asked for only where `named` has it."""
        return await self._settle(shop, products, await self._read(shop, products, named))

    async def _settle(self, shop: str, products: Sequence[str], known: Catalog) -> Names:
        """Asks again, which is rare, where the version that gave the latest name no longer stands."""
        names: Names = {one: known[one].name for one in products}
        if gone := [one for one in products if known[one].gone]:
            again = await self._ask.names_again(shop, gone)
            names.update(dict.fromkeys(gone))
            names.update((row["product_id"], row["name"]) for row in again)
        return names

    async def _read(
        self, shop: str, products: Sequence[str], named: Set[str] | None = None
    ) -> Catalog:
        if not products:
            return {}
        catalog = await self._catalogs.of(shop)
        if catalog is None:
            return await self._some(shop, products)
        found = {one: catalog.get(one, NAMELESS) for one in products}
        # without a name, or new since then
        missing = [
            one for one in products if one not in catalog and (named is None or one in named)
        ]
        return found | await self._some(shop, missing)

    async def _catalog(self, shop: str) -> Sized[Catalog] | None:
        found = await self._ask.catalog(shop)
        if found is None:
            return None
        catalog = {product: Name(name, bool(gone)) for product, name, gone in found}
        size = sum(NAME_BYTES + len(product) + len(name) for product, name, _ in found)
        return Sized(catalog, size)

    async def _some(self, shop: str, products: Sequence[str]) -> dict[str, Name]:
        standing = self._standing(shop)
        version = standing.version
        found = {} if version is None else self._remembered(shop, products, version)
        missing = [one for one in products if one not in found]
        if not missing:
            return found
        until = self._clock() + (LONGEST_SECONDS if standing.heard else UNHEARD_SECONDS)
        rows = await self._ask.names(shop, missing)
        read = dict.fromkeys(missing, NAMELESS)
        read.update((row["product_id"], Name(row["name"], bool(row["gone"]))) for row in rows)
        if version is not None:
            for product, name in read.items():
                self._known.put((shop, product), _Known(version, until, name))
        return found | read

    def _remembered(self, shop: str, products: Sequence[str], version: int) -> dict[str, Name]:
        now = self._clock()
        known = {product: self._known.get((shop, product)) for product in products}
        return {
            product: one.name
            for product, one in known.items()
            if one and one.version == version and now < one.until
        }
