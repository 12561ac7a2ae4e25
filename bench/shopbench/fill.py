"""Orders made inside the engine, as the pipeline would have written them: *apply* fills the windows from them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from clickhouse.client import Address, ClickHouseClient
from pipeline.fence import Fence
from pipeline.snowflake import Snowflake
from pipeline.store import Store
from shopstream.contracts.topics import ORDERS

FIRST = date(2024, 1, 1)
DAYS = 730
BIGGEST = "shop-001"
LEVELS = 100_000
"""Of the biggest shop."""
_SECONDS = DAYS * 86400
_ORDERS = """
INSERT INTO orders (
    shop_id, order_id, created_at, version, status, counted, currency, customer_id, total,
    refund, `items.product_id`, `items.name`, `items.quantity`, `items.refunded`, `items.price`, batch
)
WITH
    sipHash64(number) AS lot,
    if(lot % 100 < 16, 1, 2 + intDiv(lot, 100) % {others:UInt64}) AS shop,
    if(toHour(at) < 7, toDateTime64(at, 6, 'UTC') + INTERVAL 8 HOUR, toDateTime64(at, 6, 'UTC')) AS created,
    toDateTime({first:Date}, 'UTC') + toIntervalSecond(intDiv(number * {seconds:UInt64}, {orders:UInt64})) AS at,
    range(1 + intDiv(lot, 7) % 4) AS lines,
    arrayMap(i -> intDiv(sipHash64(number, i) % 1000000, 1 + i) % 2000, lines) AS products,
    arrayMap(p -> toDecimal64(1.99 + p % 90, 4), products) AS prices,
    arrayMap(i -> toUInt32(1 + sipHash64(number, i, 1) % 3), lines) AS quantities,
    ['paid', 'shipped', 'delivered', 'completed', 'cancelled'][1 + intDiv(lot, 31) % 5] AS state
SELECT
    concat('shop-', leftPad(toString(shop), 3, '0')),
    concat('order-', toString(number)),
    created + toIntervalMicrosecond(lot % 1000000),
    bitShiftLeft(toUInt128(toUnixTimestamp64Micro(created)), 64),
    state,
    state != 'cancelled',
    'EUR',
    concat('customer-', toString(lot % 100000)),
    toDecimal64(arraySum((q, p) -> q * p, quantities, prices), 4),
    toDecimal64(0, 4),
    arrayMap(p -> concat('product-', toString(p)), products),
    arrayMap(p -> if(p % 10 = 0, NULL, concat('Product number ', toString(p))), products),
    quantities,
    arrayMap(i -> toUInt32(0), lines),
    prices,
    {batch:UInt64}
FROM numbers({begin:UInt64}, {count:UInt64})
"""


_LEVELS = """
INSERT INTO levels (
    shop_id, product_id, location_id, version, quantity, updated_at, name, sku, threshold, low, batch
)
SELECT
    {shop:String},
    concat('product-', toString(number)),
    '',
    toUInt128(1),
    number % 50,
    now64(6),
    NULL,
    concat('SKU-', toString(number)),
    NULL,
    number % 50 <= 10,
    {batch:UInt64}
FROM numbers({levels:UInt64})
"""


@dataclass(frozen=True)
class Fill:
    """`orders` over `DAYS` days in `shops` shops, `batch` at a time."""

    orders: int
    shops: int = 50
    batch: int = 100_000

    async def write(self, url: str, told: Callable[[int], None]) -> None:
        """Into an engine that is migrated; `told` hears how many are in."""
        numbers = Snowflake(clock=lambda: datetime.now(UTC).timestamp())
        async with ClickHouseClient(Address.parse(url), timeout=300) as engine:
            store = Store(engine, "bench")
            for begin in range(0, self.orders, self.batch):
                count = min(self.batch, self.orders - begin)
                number = numbers.next()
                await engine.execute(_ORDERS, self._params(begin, count, number))
                await store.apply(ORDERS, number, Fence({}))
                told(begin + count)
            await engine.execute(
                _LEVELS, {"shop": BIGGEST, "batch": numbers.next(), "levels": LEVELS}
            )

    def _params(self, begin: int, count: int, number: int) -> dict[str, object]:
        return {
            "others": self.shops - 1,
            "first": FIRST,
            "seconds": _SECONDS,
            "orders": self.orders,
            "batch": number,
            "begin": begin,
            "count": count,
        }


def day(number: int) -> date:
    """A day that has orders."""
    return FIRST + timedelta(days=number % DAYS)
