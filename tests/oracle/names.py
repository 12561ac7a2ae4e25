"""How a product is called, and which currency a shop counts in."""

from collections.abc import Iterable, Iterator

from oracle.book import Book
from oracle.orders import Version

Product = tuple[str, str]
"""Shop, product id."""


def names(book: Book) -> dict[Product, str]:
    """The name in the latest of the orders and levels that name it, as they now stand."""
    best: dict[Product, tuple[tuple[int, int], str]] = {}
    for product, when, name in _named(book):
        if product not in best or when > best[product][0]:
            best[product] = (when, name)
    return {product: name for product, (_, name) in best.items()}


def _named(book: Book) -> Iterator[tuple[Product, tuple[int, int], str]]:
    for version in book.orders.values():
        for product, name in version.names.items():
            yield (version.shop, product), (version.place.micros, version.place.tie), name
    for level in book.levels.values():
        if level.name is not None:
            when = (level.place.micros, level.place.tie)
            yield (level.shop, level.product), when, level.name


def products(book: Book) -> set[Product]:
    """Every one in an order or level as it now stands."""
    ordered = {(v.shop, line.product) for v in book.orders.values() for line in v.lines}
    return ordered | {(level.shop, level.product) for level in book.levels.values()}


def first_orders(versions: Iterable[Version]) -> dict[str, Version]:
    """The earliest order of each shop, by createdAt, then order id."""
    first: dict[str, Version] = {}
    for version in versions:
        known = first.get(version.shop)
        place = (version.created, version.order_id)
        if known is None or place < (known.created, known.order_id):
            first[version.shop] = version
    return first


def currencies(book: Book) -> dict[str, str]:
    """Of each shop with orders or settings: what it says, else that of its earliest order."""
    found = {shop: v.currency for shop, v in first_orders(book.orders.values()).items()}
    return found | {shop: told.currency for shop, told in book.settings.items()}
