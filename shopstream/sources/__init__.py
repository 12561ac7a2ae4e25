"""Payloads of shop platforms as events of the contract: pure functions, one module a platform."""

from collections.abc import Callable, Mapping

from shopstream.contracts.json_text import NotJson, parse
from shopstream.sources import shopify, stripe, woocommerce
from shopstream.sources.mapped import Mapped, Shop
from shopstream.sources.payload import Payload, Unmapped

__all__ = ["PLATFORMS", "Mapped", "NotJson", "Shop", "Unmapped", "map_json", "map_payload"]

PLATFORMS: Mapping[str, Callable[[str | None, Payload, Shop], Mapped]] = {
    "shopify": shopify.map_payload,
    "woocommerce": woocommerce.map_payload,
    "stripe": stripe.map_payload,
}
"""By name: the mapping of one payload."""


def map_payload(topic: str | None, payload: object, shop: Shop) -> Mapped:
    """The events of one payload as `json_text.parse` gives it.

    Raises:
        Unmapped: a member is missing or of another kind than the platform documents.
    """
    return PLATFORMS[shop.platform](topic, Payload(payload), shop)


def map_json(topic: str | None, body: bytes, shop: Shop) -> Mapped:
    """The events of the bytes of one payload.

    Raises:
        NotJson: they are no JSON document.
        Unmapped: as `map_payload`.
    """
    return map_payload(topic, parse(body), shop)
