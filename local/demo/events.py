"""The CloudEvents that sample shops send, as the contract describes them. Pure."""

from datetime import UTC, datetime
from typing import Any

from local.demo.orders import Order
from local.demo.shops import MINOR, Product, Shop
from local.demo.stock import Restock

Event = dict[str, Any]
FOUNDED = datetime(2024, 1, 2, 8, tzinfo=UTC)


def event(shop: Shop, kind: str, event_id: str, at: datetime, data: dict[str, Any]) -> Event:
    return {
        "specversion": "1.0",
        "id": event_id,
        "source": f"/demo/{kind.partition(':')[0]}",
        "type": kind,
        "time": _text(at),
        "shopid": shop.id,
        "data": data,
    }


def settings_event(shop: Shop) -> Event:
    data = {
        "name": shop.name,
        "timezone": shop.timezone,
        "currency": shop.currency,
        "lowStockThreshold": shop.threshold,
        "updatedAt": _text(FOUNDED),
    }
    return event(shop, "shop:updated", "settings-1", FOUNDED, data)


def supplier_event(shop: Shop) -> Event:
    data = {
        "supplierId": _supplier_id(shop),
        "name": shop.supplier,
        "leadTimeDays": shop.lead_days,
        "updatedAt": _text(FOUNDED),
    }
    return event(shop, "supplier:updated", "supplier-1", FOUNDED, data)


def order_event(order: Order, revision: int) -> Event:
    """`order:created` or `order:updated`: the order as it stands after the step `revision`."""
    step = order.steps[revision]
    data: dict[str, Any] = {
        "orderId": order.id,
        "status": step.status,
        "currency": order.currency,
        "createdAt": _text(order.steps[0].at),
        "updatedAt": _text(step.at),
        "revision": revision,
        "customerId": order.customer,
        "items": _items(order, revision),
    }
    if order.shipping is not None:
        data["total"] = money(order.amount, order.currency)
    if step.refund is not None:
        data["refundedTotal"] = money(step.refund, order.currency)
        data["refunds"] = [
            {"id": f"{order.id}-refund", "amount": data["refundedTotal"], "at": _text(step.at)}
        ]
    kind = "order:updated" if revision else "order:created"
    return event(order.shop, kind, f"{order.id}-{revision}", step.at, data)


def payment_event(order: Order, revision: int) -> Event:
    step = order.steps[revision]
    data = {
        "paymentId": f"pay-{order.id}",
        "orderId": order.id,
        "amount": money(order.amount, order.currency),
        "currency": order.currency,
        "method": order.method,
        "at": _text(step.at),
    }
    if step.status == "failed":
        data["reason"] = "insufficient funds"
        return event(order.shop, "payment:failed", f"pay-{order.id}", step.at, data)
    return event(order.shop, "payment:received", f"pay-{order.id}", step.at, data)


def inventory_event(shop: Shop, product: Product, cause: str, at: datetime, level: int) -> Event:
    data = {
        "productId": product.id,
        "quantity": product.quantity(level),
        "updatedAt": _text(at),
        "name": product.name,
        "sku": f"{shop.code}-{product.id}".upper(),
        **_unit(product),
    }
    return event(shop, "inventory:updated", f"stock-{product.id}-{cause}", at, data)


def purchase_event(restock: Restock, received: bool) -> Event:
    shop = restock.shop
    at = restock.at if received else restock.ordered
    product = restock.product
    cost = money(max(1, product.price * product.portions * 2 // 5), shop.currency)
    line = {"productId": product.id, "quantity": product.quantity(restock.units), "unitCost": cost}
    data = {
        "purchaseId": restock.number,
        "supplierId": _supplier_id(shop),
        "items": [line],
        "expectedAt": _text(restock.at),
        "at": _text(at),
    }
    kind = "purchase:received" if received else "purchase:created"
    return event(shop, kind, f"{restock.number}-{kind.partition(':')[2]}", at, data)


def visit_event(shop: Shop, session: str, at: datetime) -> Event:
    return event(
        shop, "storefront:visited", f"visit-{session}", at, {"sessionId": session, "at": _text(at)}
    )


def money(minor: int, currency: str) -> int | float:
    """An amount whose JSON text has exactly its digits: at most two decimals, far below 2^53."""
    unit = MINOR[currency]
    return minor if unit == 1 else minor / unit


def _items(order: Order, revision: int) -> list[dict[str, Any]]:
    refunded = order.steps[revision].refunded or (0,) * len(order.lines)
    return [
        {
            "productId": line.product.id,
            "name": line.product.name,
            "quantity": line.product.quantity(line.quantity),
            "unitPrice": money(line.price * line.product.portions, order.currency),
            **({"refundedQuantity": line.product.quantity(back)} if back else {}),
            **_unit(line.product),
        }
        for line, back in zip(order.lines, refunded, strict=True)
    ]


def _unit(product: Product) -> dict[str, str]:
    return {} if product.portions == 1 else {"unit": "kg"}


def _supplier_id(shop: Shop) -> str:
    return f"sup-{shop.code.lower()}"


def _text(at: datetime) -> str:
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z")
