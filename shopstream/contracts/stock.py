"""How fast a product sells and how long its stock lasts: one formula for alerts and for the list of levels."""

from decimal import Context, Decimal

from shopstream.contracts.inventory import DEFAULT_THRESHOLD

DAYS = 14
"""Local days whose sales are looked at, today included."""

_CENTS, _TENTHS = Decimal("0.01"), Decimal("0.1")
_EXACT = Context(prec=100)
"""More digits than any quotient here needs before it is rounded: the decimal context rounds half-even."""


def cover(quantity: Decimal, sold: Decimal) -> tuple[Decimal, Decimal | None]:
    """Sales a day and days of cover, as contract.md, section "What the numbers mean", defines them.

    Args:
        quantity: units on hand, may be negative.
        sold: units sold in counted orders over the last `DAYS` local days; refunds are taken off.

    Returns:
        `sold` / 14 (2 decimals, half-even), and `quantity` / the unrounded daily sales (1 decimal,
        half-even), which is 0 for a quantity below 0 and None where nothing was sold.
    """
    daily = _rounded(sold, Decimal(DAYS), _CENTS)
    if sold <= 0:
        return daily, None
    return daily, _rounded(max(quantity, Decimal(0)) * DAYS, sold, _TENTHS)


def _rounded(amount: Decimal, count: Decimal, unit: Decimal) -> Decimal:
    """amount / count, half-even: quotients of decimals end or repeat, so 100 digits tell every tie."""
    return _EXACT.divide(amount, count).quantize(unit, context=_EXACT)


def threshold(own: int | None, shop: int | None) -> int:
    """The level at or below which a product is low: the event's own, else the shop's, else 10."""
    if own is not None:
        return own
    return DEFAULT_THRESHOLD if shop is None else shop
