"""Names of products: maxima that are stored, or read again where the name was taken back."""

from collections.abc import Hashable, Sequence
from typing import Protocol

from shopstream.api.reports.lately import Lately
from shopstream.clickhouse.client import Row

Names = dict[str, str | None]


class Ask(Protocol):
    """Where rows come from."""

    async def names(self, shop: str, products: Sequence[str], /) -> list[Row]: ...

    async def names_again(self, shop: str, products: Sequence[str], /) -> list[Row]: ...


class NameBook:
    """Reads names, and remembers which products each question wanted last: they are asked for beforehand."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._wanted: Lately[Hashable, Sequence[str]] = Lately()

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
        if not products:
            return {}
        nameless = {one: {"product_id": one, "name": None, "gone": False} for one in products}
        rows = await self._ask.names(shop, products)
        return nameless | {row["product_id"]: row for row in rows}
