from datetime import UTC, datetime
from uuid import uuid4

from shopstream.producer import Item, Order, Payment, ShopProducer, StockLevel

now, number = datetime.now(UTC), uuid4().hex
tea = Item("p-1", quantity=2, unit_price="12.50", name="Tea cup")
order = Order(f"o-{number}", "paid", "EUR", created_at=now, updated_at=now, items=[tea])
with ShopProducer() as producer:
    sent = producer.order_created("my-shop", order)
    producer.payment_received(
        "my-shop", Payment(f"pay-{number}", "25.00", "EUR", now, order.order_id)
    )
    producer.inventory_updated("my-shop", StockLevel("p-1", 38, now, name="Tea cup"))
print(f"/reports/daily-sales?includes={sent.place()}")
