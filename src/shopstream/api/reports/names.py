"""Names of products: read from a table of maxima, or again from the orders where a name was taken back."""

from collections.abc import Sequence

from shopstream.api.reports.profile import Rows

Names = dict[str, str | None]


async def read_names(rows: Rows, shop: str, products: Sequence[str]) -> Names:
    """The name of each product that has one.

    The second statement is rare: only where the version that gave the latest name no longer stands.
    """
    if not products:
        return {}
    found = await rows("product_names", {"shop": shop, "products": products})
    names: Names = {row["product_id"]: row["name"] for row in found}
    gone = [row["product_id"] for row in found if row["gone"]]
    if gone:
        again = await rows("product_names_again", {"shop": shop, "products": gone})
        names.update(dict.fromkeys(gone))
        names.update((row["product_id"], row["name"]) for row in again)
    return names
