"""Names of products: maxima that are stored, or read again where the name was taken back."""

from collections.abc import Callable, Hashable, Sequence
from time import monotonic
from typing import NamedTuple, Protocol

from shopstream.api.reports.kept import LONGEST_SECONDS, UNHEARD_SECONDS
from shopstream.api.reports.lately import Lately
from shopstream.api.standing import Standing
from shopstream.clickhouse.client import Row

Names = dict[str, str | None]
PRODUCTS = 20_000
"""Whose names are remembered."""


class Ask(Protocol):
    """Where rows come from."""

    async def names(self, shop: str, products: Sequence[str], /) -> list[Row]: ...

    async def names_again(self, shop: str, products: Sequence[str], /) -> list[Row]: ...


class _Known(NamedTuple):
    """`version` as of `Standing`, before the row was asked for."""

    version: int
    until: float
    row: Row


class NameBook:
    """Reads names, and remembers them until anything more is in the reports.

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

    async def expected(self, shop: str, question: Hashable) -> dict[str, Row]:
        """Rows by product of those that the question wanted last."""
        return await self._read(shop, self._wanted.get((shop, question)) or ())

    async def of(
        self, shop: str, question: Hashable, products: Sequence[str], known: dict[str, Row]
    ) -> Names:
        """The name of each product, None where it has none; `known` is what was read beforehand."""
        self._wanted.put((shop, question), products)
        missing = [one for one in products if one not in known]
        return await self._settle(shop, products, known | await self._read(shop, missing))

    async def read(self, shop: str, products: Sequence[str]) -> Names:
        """The same without a question."""
        return await self._settle(shop, products, await self._read(shop, products))

    async def _settle(self, shop: str, products: Sequence[str], known: dict[str, Row]) -> Names:
        """Asks again, which is rare, where the version that gave the latest name no longer stands."""
        rows = [known[one] for one in products]
        names: Names = {row["product_id"]: row["name"] for row in rows}
        if gone := [row["product_id"] for row in rows if row["gone"]]:
            again = await self._ask.names_again(shop, gone)
            names.update(dict.fromkeys(gone))
            names.update((row["product_id"], row["name"]) for row in again)
        return names

    async def _read(self, shop: str, products: Sequence[str]) -> dict[str, Row]:
        standing = self._standing(shop)
        version = standing.version
        found = {} if version is None else self._remembered(shop, products, version)
        missing = [one for one in products if one not in found]
        if not missing:
            return found
        until = self._clock() + (LONGEST_SECONDS if standing.heard else UNHEARD_SECONDS)
        nameless = {one: {"product_id": one, "name": None, "gone": False} for one in missing}
        rows = await self._ask.names(shop, missing)
        read = nameless | {row["product_id"]: row for row in rows}
        if version is not None:
            for product, row in read.items():
                self._known.put((shop, product), _Known(version, until, row))
        return found | read

    def _remembered(self, shop: str, products: Sequence[str], version: int) -> dict[str, Row]:
        now = self._clock()
        known = {product: self._known.get((shop, product)) for product in products}
        return {
            product: one.row
            for product, one in known.items()
            if one and one.version == version and now < one.until
        }
